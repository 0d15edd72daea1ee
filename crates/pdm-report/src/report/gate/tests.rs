//! Tests of gate reports.

use super::*;
use pdm_core::content::Digest;
use pdm_core::domain::{Cycle, Interval, Prediction, UnitId};
use pdm_core::gates::{Champion, Observed};
use pdm_core::scoring::{
    BootstrapOptions, ComparedPredictions as Side, Cuts, Metric, Part, Protocol, ShortUnits,
    Verdict, paired, score,
};

const UNITS: u32 = 60;

fn predictions(scale: f64) -> Vec<Prediction> {
    let of_unit = |unit: u32| {
        let (truth, wave) = (f64::from(2 * unit), (1.7 * f64::from(unit)).sin());
        let interval = Some(Interval {
            lower: truth - 20.0,
            upper: truth + 8.0,
        });
        Prediction {
            unit: UnitId::from(unit),
            cycle: Cycle(50),
            rul: truth + 11.0 * scale * wave,
            interval,
            truth: Some(truth),
            flags: Vec::new(),
        }
    };
    (1..=UNITS).map(of_unit).collect()
}

fn protocol() -> Protocol {
    Protocol {
        part: Part::Test,
        data: Digest::of("fleet"),
        units: UNITS as usize,
        cuts: Cuts::LastCycle,
        truth_cap: Some(100.0),
        clip: Interval {
            lower: 0.0,
            upper: 125.0,
        },
        short_units: ShortUnits::Scored,
    }
}

fn place(line: usize) -> Option<FileLine> {
    Some(FileLine {
        file: "plant/pipelines/fd001.toml".into(),
        line,
        column: None,
    })
}

/// A gate of each verdict, and one that compares.
fn judged() -> Judgement {
    let (ours, theirs, protocol) = (predictions(1.0), predictions(0.9), protocol());
    let options = BootstrapOptions {
        resamples: 500,
        ..Default::default()
    };
    let scorecard = score(&ours, protocol.clone(), 60.0, &options, 7).unwrap();
    let rmse = *scorecard.score(Metric::Rmse).unwrap();
    let side = |predictions| Side {
        predictions,
        protocol: &protocol,
    };
    let difference = paired(Metric::Rmse, side(&ours), side(&theirs), &options, 7).unwrap();
    let line = |bound, rule: &str, verdict, observed, at| GateLine {
        metric: Metric::Rmse,
        rule: rule.to_owned(),
        bound,
        verdict,
        observed: Some(observed),
        units: UNITS as usize,
        why: format!("why line {at}, 50 % | of `it`"),
        place: place(at),
    };
    let at_most = |value| Bound::AtMost { value };
    let margin = Bound::NonInferior {
        margin: 0.5,
        relative: false,
    };
    let gates = vec![
        line(
            at_most(25.0),
            "at_most",
            Verdict::Pass,
            Observed::Score(rmse),
            10,
        ),
        line(
            at_most(rmse.value),
            "at_most",
            Verdict::Undecided,
            Observed::Score(rmse),
            15,
        ),
        line(
            margin,
            "non_inferior",
            Verdict::Fail,
            Observed::Difference(difference),
            20,
        ),
        GateLine {
            observed: None,
            metric: Metric::Coverage,
            ..line(
                Bound::AtLeast { value: 0.9 },
                "at_least",
                Verdict::Fail,
                Observed::Score(rmse),
                25,
            )
        },
    ];
    let evidence = JudgedModel {
        bundle: Digest::of("bundle"),
        version: Some(4),
        model: "turbofan".into(),
        champion: Some(Champion {
            version: 3,
            bundle: Digest::of("champion"),
        }),
        seeds: 3,
        protocol: protocol.to_string(),
        scorecard,
        predictions: ours,
    };
    Judgement {
        pipeline: "turbofan <FD001>".into(),
        file: Some("plant/pipelines/fd001.toml".into()),
        verdict: Some(Verdict::Fail),
        evidence: Some(evidence),
        gates,
        troubles: Vec::new(),
    }
}

fn early() -> Judgement {
    let early_end = EarlyEnd {
        kind: "data_invalid".into(),
        message: "cycles: unit 3 has a gap\u{1b}[31m".into(),
        hint: Some("look at the file".into()),
        place: Some(FileLine {
            file: "data/train.txt".into(),
            line: 7,
            column: None,
        }),
    };
    Judgement {
        verdict: None,
        evidence: None,
        gates: Vec::new(),
        troubles: vec![early_end],
        ..judged()
    }
}

#[test]
fn annotations_point_at_the_lines_of_the_gates() {
    let digest = protocol().digest().short();
    let seen = annotations(&judged()).replace(&digest, "PROTOCOL");
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(
        lines[0],
        "::warning file=plant/pipelines/fd001.toml,line=15,title=gate is undecided%3A rmse at most 7.832 cycles::why line 15, \
         50 %25 | of `it`"
            .replace("7.832", &judged().gates[1].observed.unwrap().numbers()[1].to_string())
    );
    assert!(
        lines[1]
            .starts_with("::error file=plant/pipelines/fd001.toml,line=20,title=gate fails%3A rmse at most 0.5 cycles")
    );
    assert!(
        lines[2].starts_with(
            "::error file=plant/pipelines/fd001.toml,line=25,title=gate fails%3A coverage at least 90 %25::"
        )
    );
    let start = "::notice title=gates of turbofan <FD001>::refused: 2 of 4 gates fail, 1 undecided; 60 units, test part of ";
    assert!(lines[3].starts_with(start), "{}", lines[3]);
    for part in [
        "truth capped at 100, predictions clipped to [0, 125], every unit scored (protocol PROTOCOL)",
        "interval 95 %25, percentile bootstrap over units, 500 resamples",
        "against version 3",
        "the mean of 3 seeds",
    ] {
        assert!(lines[3].contains(part), "{part}: {}", lines[3]);
    }
    assert_eq!(lines.len(), 4);
    let seen = annotations(&early());
    assert!(
        seen.starts_with(
            "::error file=data/train.txt,line=7,title=data invalid::cycles: unit 3 has a gap"
        ),
        "{seen}"
    );
}

#[test]
fn junit_counts_what_it_holds_and_no_undecided_gate_passes() {
    let text = junit(&judged());
    let document = roxmltree::Document::parse(&text).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    let counts =
        ["tests", "failures", "errors", "skipped"].map(|name| suite.attribute(name).unwrap());
    assert_eq!(counts, ["4", "3", "0", "0"]);
    let tests: Vec<_> = suite
        .children()
        .filter(|node| node.has_tag_name("testcase"))
        .collect();
    let ends: Vec<_> = tests
        .iter()
        .map(|test| test.first_element_child().unwrap())
        .map(|end| (end.tag_name().name(), end.attribute("type")))
        .collect();
    let expected = [
        ("system-out", None),
        ("failure", Some("undecided")),
        ("failure", Some("refused")),
        ("failure", Some("refused")),
    ];
    assert_eq!(ends, expected);
    assert!(
        tests[2]
            .first_element_child()
            .unwrap()
            .text()
            .unwrap()
            .ends_with("\nplant/pipelines/fd001.toml:20")
    );
    let names: std::collections::BTreeSet<_> = tests
        .iter()
        .map(|test| test.attribute("name").unwrap())
        .collect();
    assert_eq!(names.len(), 4);

    let text = junit(&early());
    let document = roxmltree::Document::parse(&text).unwrap();
    let error = document
        .descendants()
        .find(|node| node.has_tag_name("error"))
        .unwrap();
    assert_eq!(error.attribute("type"), Some("data_invalid"));
    assert_eq!(
        error.text().unwrap(),
        "cycles: unit 3 has a gap\u{fffd}[31m\nhint: look at the file\ndata/train.txt:7"
    );
}

#[test]
fn two_gates_of_one_kind_have_names_of_their_own() {
    let mut twice = judged();
    twice.gates = vec![twice.gates[0].clone(), twice.gates[0].clone()];
    let text = junit(&twice);
    assert!(
        text.contains("\"rmse at most 25 cycles\"")
            && text.contains("\"rmse at most 25 cycles (2)\""),
        "{text}"
    );
}

#[test]
fn sarif_holds_what_does_not_pass_and_its_place() {
    let log: serde_json::Value = serde_json::from_str(&sarif(&judged())).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    let seen: Vec<_> = results
        .iter()
        .map(|result| {
            let region = &result["locations"][0]["physicalLocation"]["region"];
            (
                result["ruleId"].as_str().unwrap(),
                result["level"].as_str().unwrap(),
                region["startLine"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("gate/at_most/rmse", "warning", 15),
        ("gate/non_inferior/rmse", "error", 20),
        ("gate/at_least/coverage", "error", 25),
    ];
    assert_eq!(seen, expected);
    let rules: Vec<_> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["id"])
        .collect();
    assert!(
        results
            .iter()
            .all(|result| rules.contains(&&result["ruleId"]))
    );
    assert_eq!(run["properties"]["gates"].as_array().unwrap().len(), 4);
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let log: serde_json::Value = serde_json::from_str(&sarif(&early())).unwrap();
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "line/data_invalid");
}

#[test]
fn markdown_is_self_contained_and_nothing_in_it_is_markup_by_accident() {
    let text = markdown(
        &judged(),
        &[LinkedDrawing {
            title: "gates",
            target: "a b-gates.svg",
        }],
    );
    assert!(
        text.starts_with(
            "## ❌ Gates of turbofan \\<FD001\\>\n\n**refused: 2 of 4 gates fail, 1 undecided**\n"
        ),
        "{text}"
    );
    let rows: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("why line"))
        .collect();
    assert_eq!(rows.len(), 4);
    // An escaped bar ends no cell.
    assert!(
        rows.iter()
            .all(|row| row.replace("\\|", "").matches('|').count() == 8),
        "{rows:#?}"
    );
    assert!(
        rows[0].contains("`plant/pipelines/fd001.toml:10`")
            && rows[0].contains("50 % \\| of \\`it\\`")
    );
    assert!(rows[2].contains(" against ") && rows[3].contains("| – |"));
    assert!(text.contains("![gates](a%20b-gates.svg)"));
    assert!(
        text.contains("- against: version 3 (bundle ")
            && text.contains("- training: the mean of 3 seeds")
    );
    let text = markdown(&early(), &[]);
    assert!(
        text.contains("**no verdict: cycles: unit 3 has a gap"),
        "{text}"
    );
}

#[test]
fn a_bar_shows_the_interval_on_its_side_of_the_limit() {
    let judged = judged();
    let bars: Vec<_> = judged.gates.iter().map(bar::interval).collect();
    let far = bars[0].as_ref().unwrap();
    assert!(
        far.find('┤').unwrap() < far.find('┃').unwrap() && far.ends_with('×'),
        "{far}"
    );
    // The dot of the observed value is on its own limit.
    let spanned = bars[1].as_ref().unwrap();
    assert!(spanned.contains('├') && !spanned.contains('┃'), "{spanned}");
    assert_eq!(bars[3], None);
    assert!(bars.iter().flatten().all(|bar| bar.chars().count() == 25));
    let bands = &judged.evidence.unwrap().scorecard.bands;
    let spark = bar::spark(bands);
    assert!(
        spark.chars().count() == bands.len() && spark.contains('█'),
        "{spark}"
    );
}

#[test]
fn drawings_are_well_formed_and_stay_on_their_sheet() {
    let drawings = drawings(&judged());
    assert_eq!(
        drawings
            .iter()
            .map(|drawing| drawing.name)
            .collect::<Vec<_>>(),
        ["gates", "errors"]
    );
    for Drawing { svg, .. } in &drawings {
        let document = roxmltree::Document::parse(svg).unwrap();
        let root = document.root_element();
        let [width, height] =
            ["width", "height"].map(|name| root.attribute(name).unwrap().parse::<f64>().unwrap());
        for node in document.descendants() {
            for (name, most) in [
                ("x", width),
                ("x2", width),
                ("cx", width),
                ("y", height),
                ("cy", height),
            ] {
                let value: f64 = node
                    .attribute(name)
                    .map_or(0.0, |text| text.parse().unwrap());
                assert!((0.0..=most).contains(&value), "{name} {value} in {svg}");
            }
        }
    }
    let dots = drawings[1].svg.matches("<circle").count();
    assert_eq!(dots, UNITS as usize);
    assert!(super::drawings(&early()).is_empty());
}

#[test]
fn json_says_its_format_and_holds_no_predictions() {
    let document: serde_json::Value = serde_json::from_str(&json(&judged())).unwrap();
    assert_eq!(
        (&document["format"], &document["verdict"]),
        (&1.into(), &"fail".into())
    );
    assert_eq!(document["gates"][2]["bound"]["rule"], "non_inferior");
    assert_eq!(document["gates"][2]["place"]["line"], 20);
    assert_eq!(document["evidence"]["seeds"], 3);
    assert!(document["evidence"]["predictions"].is_null());
}
