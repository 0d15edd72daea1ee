//! Tests of forests.

use proptest::prelude::*;

use super::{Gbdt, GbdtOptions, Leaf, TreeNode};
use crate::features::Matrix;
use crate::models::Predictor;

/// Two trees over three features: `x0 <= 1 ? 10 : (x2 <= -2 ? 20 : 30)`, then a lone leaf of 0.5.
fn forest() -> Gbdt {
    let mut forest = Gbdt::new(100.0, 3);
    let nodes = [
        TreeNode {
            feature: 0,
            threshold: 1.0,
            left: !0,
            right: 1,
        },
        TreeNode {
            feature: 2,
            threshold: -2.0,
            left: !1,
            right: !2,
        },
    ];
    let leaves = [10.0, 20.0, 30.0].map(|value| Leaf { value, rows: 7 });
    forest.push_tree(&nodes, &leaves, &[4.0, 2.0]);
    forest.push_tree(
        &[],
        &[Leaf {
            value: 0.5,
            rows: 21,
        }],
        &[],
    );
    forest
}

fn table(values: &[[f32; 3]]) -> Matrix {
    Matrix {
        width: 3,
        values: values.concat(),
    }
}

#[test]
fn a_row_goes_left_up_to_the_threshold_and_where_it_is_nan() {
    let rows = table(&[
        [1.0, 0.0, 0.0],
        [1.1, 0.0, -2.0],
        [1.1, 0.0, -1.9],
        [f32::NAN, 0.0, 5.0],
        [2.0, 0.0, f32::NAN],
    ]);
    assert_eq!(forest().predict(&rows), [110.5, 120.5, 130.5, 110.5, 120.5]);
}

#[test]
fn the_last_row_alone_gives_the_same_as_all_rows() {
    let rows = table(&[[1.0, 0.0, 0.0], [1.1, 0.0, -2.0]]);
    assert_eq!(
        Some(&forest().predict_last(&rows)),
        forest().predict(&rows).last()
    );
    assert!(forest().predict_last(&table(&[])).is_nan());
}

#[test]
fn rows_that_are_too_narrow_are_no_panic() {
    assert_eq!(
        forest().predict(&Matrix {
            width: 1,
            values: vec![0.0, 9.0]
        }),
        [110.5, 120.5]
    );
}

#[test]
fn importance_adds_gains_by_feature() {
    assert_eq!(forest().importance(), [4.0, 0.0, 2.0]);
}

#[test]
fn weights_come_back_as_they_were() {
    let bytes = forest().weights();
    let back = Gbdt::load(&bytes).unwrap();
    assert_eq!(back, forest());
    assert_eq!(back.weights(), bytes);
}

#[test]
fn a_loop_a_foreign_leaf_and_an_unknown_feature_are_refused() {
    let damages: [fn(&mut Gbdt); 6] = [
        |forest| forest.nodes[1].left = 0,
        |forest| forest.nodes[1].left = 1,
        |forest| forest.nodes[1].right = !3,
        |forest| forest.nodes[1].right = !1,
        |forest| forest.nodes[0].feature = 3,
        |forest| forest.starts[1] = 1,
    ];
    for (at, damage) in damages.iter().enumerate() {
        let mut forest = forest();
        damage(&mut forest);
        assert!(
            Gbdt::load(&forest.weights()).is_err(),
            "damage {at} was not seen"
        );
    }
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    let mut forest = forest();
    forest.leaves[1].value = f64::NAN;
    let error = Gbdt::load(&forest.weights()).unwrap_err();
    assert_eq!(error.to_string(), "tensor `leaf.value` is not finite at 1");
}

#[test]
fn another_format_is_refused_by_name() {
    let bytes = forest().weights();
    let at = bytes
        .windows(3)
        .position(|three| three == b"\"1\"")
        .unwrap();
    let mut newer = bytes;
    newer[at + 1] = b'2';
    let error = Gbdt::load(&newer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor `__metadata__` has format 2; only 1 is supported"
    );
}

#[test]
fn every_option_out_of_range_is_named() {
    assert_eq!(GbdtOptions::default().problems(), []);
    let wild = GbdtOptions {
        learning_rate: f64::NAN,
        leaves: 1,
        min_leaf_rows: 0,
        feature_fraction: 1.5,
        bagging_fraction: 0.0,
        l2: -1.0,
        rounds: 0,
        bins: 257,
    };
    let paths: Vec<_> = wild
        .problems()
        .into_iter()
        .map(|problem| problem.path)
        .collect();
    let keys = [
        "learning_rate",
        "leaves",
        "min_leaf_rows",
        "feature_fraction",
        "bagging_fraction",
        "l2",
        "rounds",
        "bins",
    ];
    assert_eq!(paths, keys);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_weights_never_panic_or_loop(
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        keep in prop::option::weighted(0.1, any::<prop::sample::Index>()),
    ) {
        let mut bytes = forest().weights();
        damages.iter().for_each(|(at, byte)| { let at = at.index(bytes.len()); bytes[at] = *byte; });
        if let Some(keep) = keep {
            bytes.truncate(keep.index(bytes.len()));
        }
        if let Ok(forest) = Gbdt::load(&bytes) {
            let predictions = forest.predict(&table(&[[0.0; 3], [f32::NAN; 3], [1e30; 3]]));
            prop_assert_eq!(predictions.len(), 3);
        }
    }
}
