//! A stack: the weighted mean of several models.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::family::{FamilyOptions, FitExtent};
use super::parts::{NamedWeights, join, split};
use super::weights::{open, read_shaped, write, wrong};
use super::{
    Family, GbdtOptions, GruOptions, InputKind, LinearOptions, ModelError, ModelOptions, Predictor,
};
use crate::features::Matrix;
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// Options of a stack: several models, weighted by how well they predict unseen units (Breiman, Machine Learning 24,
/// 1996).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct StackOptions {
    /// The models, at least two, each of any other kind with its own options; several of one kind are allowed.
    // The schema has no recursion: the pipeline room fills in the kinds.
    #[schemars(with = "Vec<serde_json::Value>")]
    pub member: Vec<ModelOptions>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            member: vec![
                ModelOptions::Gbdt(GbdtOptions::default()),
                ModelOptions::Gru(GruOptions::default()),
            ],
        }
    }
}

impl StackOptions {
    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let count = self.member.len();
        let few = (count < 2).then(|| {
            let problem = Problem::new(
                "member",
                format!("needs at least 2 models, but has {count}"),
            );
            problem
                .with_code(Code::StackMembers)
                .hint("write one [[model.member]] for each")
        });
        let members = self.member.iter().enumerate();
        let inner = members.flat_map(|(i, member)| {
            let at = move |problem: Problem| problem.within(&format!("member.{i}"));
            let problems = match member.stack() {
                Some(_) => {
                    let message = "is a stack, which cannot be part of a stack";
                    vec![Problem::new("kind", message).with_code(Code::StackMembers)]
                }
                None => member.problems(),
            };
            problems.into_iter().map(at)
        });
        few.into_iter().chain(inner).collect()
    }

    /// Returns a name for each member, such as `member-1-gbdt`.
    pub fn names(&self) -> Vec<String> {
        let members = self.member.iter().enumerate();
        members
            .map(|(i, member)| format!("member-{}-{}", i + 1, member.kind()))
            .collect()
    }
}

impl FamilyOptions for StackOptions {
    /// Returns the input that all members together read.
    fn input(&self) -> InputKind {
        common_input(self.member.iter().map(ModelOptions::input))
    }

    /// The members are fitted one after the other, so the largest counts.
    fn memory(&self, extent: &FitExtent) -> u64 {
        self.member
            .iter()
            .map(|member| member.family().memory(extent))
            .max()
            .unwrap_or(0)
    }

    fn needs_less(&self) -> &'static str {
        "fewer or smaller members"
    }

    fn learns_by_loss(&self) -> bool {
        self.member
            .iter()
            .any(|member| member.family().learns_by_loss())
    }

    fn never_stops_early(&self) -> Option<&'static str> {
        let reasons: Option<Vec<_>> = self
            .member
            .iter()
            .map(|member| member.family().never_stops_early())
            .collect();
        reasons?.first().copied()
    }

    /// Members that read different inputs.
    fn small() -> Self {
        let members = [
            ModelOptions::Linear(LinearOptions::small()),
            ModelOptions::Gbdt(GbdtOptions::small()),
            ModelOptions::Gru(GruOptions::small()),
        ];
        Self {
            member: members.into(),
        }
    }
}

/// A fitted stack: the weighted sum of its members.
#[derive(Debug)]
pub struct Stack {
    members: Vec<Box<dyn Predictor>>,
    weights: Vec<f64>,
    /// Number of columns of the feature table, which precede those of the sequence if members read both.
    table_width: usize,
}

const FAMILY: &str = "stack";
const BLEND: &str = "blend";
const WEIGHTS: &str = "weights";
const TABLE_WIDTH: &str = "table_width";

impl Stack {
    /// Returns the stack of these members, with one weight for each, on histories whose feature table has
    /// `table_width` columns.
    pub(crate) fn new(
        members: Vec<Box<dyn Predictor>>,
        weights: Vec<f64>,
        table_width: usize,
    ) -> Self {
        Self {
            members,
            weights,
            table_width,
        }
    }

    /// Reads a stack from its weights.
    ///
    /// # Errors
    /// The bytes are not safetensors, or not those of a stack of these members.
    pub(super) fn load(options: &StackOptions, weights: &[u8]) -> Result<Self, ModelError> {
        let parts = split(FAMILY, weights)?.unwrap_or_default();
        let Some(((_, blend), members)) = parts.split_first() else {
            return Err(wrong("__metadata__", format!("has no `{FAMILY}_parts`")));
        };
        let count = members.len();
        let known = options.member.len();
        if count != known {
            return Err(wrong(
                "__metadata__",
                format!("has {count} members, not {known}"),
            ));
        }
        let blend = open(BLEND, blend)?;
        let width = read_shaped::<f64>(&blend, TABLE_WIDTH, &[1])?[0];
        if width < 0.0 || width.fract() != 0.0 {
            return Err(wrong(
                TABLE_WIDTH,
                format!("is {width}, not a number of columns"),
            ));
        }
        let load = |(options, (_, weights)): (&ModelOptions, &NamedWeights)| options.load(weights);
        Ok(Self {
            weights: read_shaped(&blend, WEIGHTS, &[count])?,
            members: options
                .member
                .iter()
                .zip(members)
                .map(load)
                .collect::<Result<_, _>>()?,
            table_width: width as usize,
        })
    }

    /// Returns which of `width` columns a member reads.
    pub(crate) fn columns(&self, member: &dyn Predictor, width: usize) -> Range<usize> {
        let table = self.table_width.min(width);
        match self.input() {
            InputKind::Table | InputKind::Sequence => 0..width,
            InputKind::Both => match member.input() {
                InputKind::Table => 0..table,
                InputKind::Sequence => table..width,
                InputKind::Both => 0..width,
            },
        }
    }

    fn part<'a>(&self, member: &dyn Predictor, history: &'a Matrix) -> Cow<'a, Matrix> {
        let columns = self.columns(member, history.width);
        if columns.len() == history.width {
            Cow::Borrowed(history)
        } else {
            Cow::Owned(history.columns(columns))
        }
    }

    /// Returns the number of columns of the feature table.
    pub(crate) fn table_width(&self) -> usize {
        self.table_width
    }

    /// Returns the members, each with its weight.
    pub(crate) fn weighed(&self) -> impl Iterator<Item = (&dyn Predictor, f64)> {
        self.members
            .iter()
            .map(AsRef::as_ref)
            .zip(self.weights.iter().copied())
    }
}

impl Predictor for Stack {
    fn input(&self) -> InputKind {
        common_input(self.members.iter().map(|member| member.input()))
    }

    fn predict(&self, history: &Matrix) -> Vec<f64> {
        let mut sums = vec![0.0; history.rows()];
        for (member, weight) in self.weighed() {
            let predictions = member.predict(&self.part(member, history));
            for (sum, value) in sums.iter_mut().zip(predictions) {
                *sum += weight * value;
            }
        }
        sums
    }

    fn predict_last(&self, history: &Matrix) -> f64 {
        let values = self
            .weighed()
            .map(|(member, weight)| weight * member.predict_last(&self.part(member, history)));
        values.fold(0.0, |sum, value| sum + value)
    }

    fn weights(&self) -> Vec<u8> {
        let width = [self.table_width as f64];
        let count = [self.weights.len()];
        let blend = write(
            BLEND,
            &[
                (WEIGHTS, &count[..], &self.weights[..]),
                (TABLE_WIDTH, &[1], &width),
            ],
        );
        let members = self.members.iter().enumerate();
        let members = members.map(|(i, member)| (format!("member-{}", i + 1), member.weights()));
        join(
            FAMILY,
            &std::iter::once((BLEND.to_owned(), blend))
                .chain(members)
                .collect::<Vec<_>>(),
        )
    }

    fn family(&self) -> Option<Family<'_>> {
        Some(Family::Stack(self))
    }
}

/// Returns the input that all members read, or both.
fn common_input(inputs: impl Iterator<Item = InputKind>) -> InputKind {
    inputs
        .reduce(|one, other| if one == other { one } else { InputKind::Both })
        .unwrap_or(InputKind::Table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Linear;

    /// Replaces a network: the running sum of the only column it reads.
    #[derive(Debug)]
    struct RunningSum;

    impl Predictor for RunningSum {
        fn input(&self) -> InputKind {
            InputKind::Sequence
        }

        fn predict(&self, history: &Matrix) -> Vec<f64> {
            let sum = |sum: &mut f64, value: &f32| {
                *sum += f64::from(*value);
                Some(*sum)
            };
            assert_eq!(history.width, 1);
            history.values.iter().scan(0.0, sum).collect()
        }

        fn weights(&self) -> Vec<u8> {
            Linear::new(0.0, Vec::new()).weights()
        }
    }

    fn linear(intercept: f64) -> Box<dyn Predictor> {
        Box::new(Linear::new(intercept, vec![1.0, -1.0]))
    }

    fn pair() -> StackOptions {
        StackOptions {
            member: vec![ModelOptions::Linear(LinearOptions::default()); 2],
        }
    }

    #[test]
    fn each_member_reads_its_columns_and_counts_by_its_weight() {
        let stack = Stack::new(vec![linear(3.0), Box::new(RunningSum)], vec![0.25, 0.75], 2);
        let history = Matrix {
            width: 3,
            values: vec![5.0, 4.0, 1.0, 6.0, 1.0, 2.0],
        };
        assert_eq!(stack.input(), InputKind::Both);
        assert_eq!(
            stack.predict(&history),
            [0.25 * 4.0 + 0.75, 0.25 * 8.0 + 0.75 * 3.0]
        );
        assert_eq!(stack.predict_last(&history), 0.25 * 8.0 + 0.75 * 3.0);
        assert!(
            stack
                .predict_last(&Matrix {
                    width: 3,
                    values: Vec::new()
                })
                .is_nan()
        );
    }

    #[test]
    fn a_stack_comes_back_and_members_that_read_alike_share_their_input() {
        let stack = Stack::new(vec![linear(0.0), linear(2.0)], vec![0.5, 0.5], 2);
        let loaded = ModelOptions::Stack(pair()).load(&stack.weights()).unwrap();
        for stack in [&stack as &dyn Predictor, loaded.as_ref()] {
            assert_eq!(stack.input(), InputKind::Table);
            assert_eq!(
                stack.predict(&Matrix {
                    width: 2,
                    values: vec![3.0, 1.0, 2.0, 5.0]
                }),
                [3.0, -2.0]
            );
        }
        assert_eq!(loaded.weights(), stack.weights());
    }

    #[test]
    fn weights_of_other_members_are_refused() {
        let weights = Stack::new(vec![linear(0.0), linear(2.0)], vec![0.5, 0.5], 2).weights();
        let load = |member: Vec<ModelOptions>, weights: &[u8]| {
            ModelOptions::Stack(StackOptions { member })
                .load(weights)
                .unwrap_err()
                .to_string()
        };
        let three = vec![ModelOptions::default(); 3];
        assert_eq!(
            load(three, &weights),
            "tensor `__metadata__` has 2 members, not 3"
        );
        let others = StackOptions::default().member;
        assert_eq!(
            load(others, &weights),
            "tensor `__metadata__` has no `gbdt_format`"
        );
        assert_eq!(
            load(pair().member, &linear(1.0).weights()),
            "tensor `__metadata__` has no `stack_parts`"
        );
    }

    #[test]
    fn too_few_members_nested_stacks_and_their_own_mistakes_are_problems() {
        assert_eq!(StackOptions::default().problems(), []);
        assert_eq!(
            StackOptions::default().names(),
            ["member-1-gbdt", "member-2-gru"]
        );
        let alone = StackOptions {
            member: vec![ModelOptions::default()],
        };
        assert_eq!(alone.problems()[0].path, "member");
        let wrong = ModelOptions::Linear(LinearOptions { l2: -1.0 });
        let nested = StackOptions {
            member: vec![ModelOptions::Stack(pair()), wrong],
        };
        let paths: Vec<_> = nested
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(paths, ["member.0.kind", "member.1.l2"]);
    }
}
