//! What `--format json` prints meets its schema in `docs/schemas`, and every command has one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::needs;
use crate::notify::receiver;
use crate::project::{Answer, Project, SMALL, wearing_units};

/// Commands that print no document of their own, whatever the format: a text, or a JSON schema.
const WITHOUT_DOCUMENT: [&str; 3] = ["completions", "config reference", "config schema"];
/// Documents that only tests print which need something from outside; see the end of this file.
const ELSEWHERE: [&str; 2] = ["data-fetch", "track-sync"];
/// Keywords that say nothing of what is valid.
const ANNOTATIONS: [&str; 7] = [
    "$schema",
    "$id",
    "$defs",
    "title",
    "description",
    "format",
    "default",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

/// Every schema by its name.
fn schemas() -> BTreeMap<String, Value> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap());
    let named = files.map(|file| {
        let name = file.file_name().into_string().unwrap();
        let name = name.strip_suffix(".schema.json").unwrap().to_owned();
        let text = fs::read_to_string(file.path()).unwrap();
        (name, serde_json::from_str(&text).unwrap())
    });
    named.collect()
}

/// Where a value does not meet a schema: the place and what is wrong, one line each.
struct Validator<'a> {
    root: &'a Value,
    problems: Vec<String>,
}

impl<'a> Validator<'a> {
    fn problems(schema: &'a Value, document: &Value) -> Vec<String> {
        let mut validator = Self {
            root: schema,
            problems: Vec::new(),
        };
        validator.check(schema, document, "");
        validator.problems
    }

    fn is_valid(&self, schema: &'a Value, value: &Value) -> bool {
        let mut inner = Self {
            root: self.root,
            problems: Vec::new(),
        };
        inner.check(schema, value, "");
        inner.problems.is_empty()
    }

    fn refuse(&mut self, at: &str, what: String) {
        self.problems.push(format!("{at}: {what}"));
    }

    fn check(&mut self, schema: &'a Value, value: &Value, at: &str) {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, rule) in schema {
            self.keyword(schema, keyword, rule, value, at);
        }
    }

    fn keyword(
        &mut self,
        schema: &'a Map<String, Value>,
        keyword: &str,
        rule: &'a Value,
        value: &Value,
        at: &str,
    ) {
        match keyword {
            "$ref" => {
                let path = rule.as_str().unwrap().trim_start_matches('#');
                let target = self.root.pointer(path);
                let target = target.unwrap_or_else(|| panic!("{at}: {rule} leads nowhere"));
                self.check(target, value, at);
            }
            "type" => {
                let names = match rule {
                    Value::Array(names) => names.iter().collect(),
                    one => vec![one],
                };
                if !names
                    .iter()
                    .any(|name| is_of(name.as_str().unwrap(), value))
                {
                    self.refuse(at, format!("{value} is no {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    self.refuse(at, format!("{value} is not one of {rule}"));
                }
            }
            "const" => {
                if rule != value {
                    self.refuse(at, format!("{value} is not {rule}"));
                }
            }
            "minimum" => {
                if value.as_f64() < rule.as_f64() && value.is_number() {
                    self.refuse(at, format!("{value} is less than {rule}"));
                }
            }
            "minItems" | "maxItems" => {
                let Some(items) = value.as_array() else {
                    return;
                };
                let limit = usize::try_from(rule.as_u64().unwrap()).unwrap();
                let is_kept = match keyword {
                    "minItems" => items.len() >= limit,
                    _ => items.len() <= limit,
                };
                if !is_kept {
                    self.refuse(
                        at,
                        format!("{} items against {keyword} {limit}", items.len()),
                    );
                }
            }
            "anyOf" | "oneOf" => {
                let cases = rule.as_array().unwrap();
                let met = cases
                    .iter()
                    .filter(|case| self.is_valid(case, value))
                    .count();
                if met == 0 || (keyword == "oneOf" && met > 1) {
                    self.refuse(at, format!("{met} cases of {keyword} are met by {value}"));
                }
            }
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(rule, item, &format!("{at}/{i}"));
                }
            }
            "properties" => {
                for (key, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        self.check(rule, value, &format!("{at}/{key}"));
                    }
                }
            }
            "required" => {
                let Some(object) = value.as_object() else {
                    return;
                };
                for key in rule.as_array().unwrap() {
                    if !object.contains_key(key.as_str().unwrap()) {
                        self.refuse(at, format!("{key} is missing"));
                    }
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (key, value) in value.as_object().into_iter().flatten() {
                    if known.is_some_and(|known| known.contains_key(key)) {
                        continue;
                    }
                    match rule {
                        Value::Bool(true) => {}
                        Value::Bool(false) => self.refuse(at, format!("`{key}` is not described")),
                        rule => self.check(rule, value, &format!("{at}/{key}")),
                    }
                }
            }
            other => assert!(
                ANNOTATIONS.contains(&other),
                "{at}: unknown keyword {other}"
            ),
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    }
}

/// Runs commands and holds what they print against the schemas.
struct Checked {
    schemas: BTreeMap<String, Value>,
    seen: BTreeSet<String>,
}

impl Checked {
    fn new() -> Self {
        Self {
            schemas: schemas(),
            seen: BTreeSet::new(),
        }
    }

    /// Runs a command, whose document must meet the schema; returns the document.
    fn command(&mut self, name: &str, project: &Project, args: &[&str]) -> Value {
        let mut command = project.command(&[args, &["--format", "json"]].concat());
        let answer = Answer::of(&mut command);
        let document: Value = serde_json::from_str(&answer.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {answer:?}"));
        let schema = &self.schemas[name];
        let problems = Validator::problems(schema, &document);
        assert!(
            problems.is_empty(),
            "{args:?} does not meet {name}: {problems:#?}"
        );
        self.seen.insert(name.to_owned());
        document
    }
}

const MORE: &str = "
[schedule]
cron = \"0 3 * * 1\"

[tune]
trials = 1

[tune.space]
\"model.l2\" = { low = 1e-4, high = 10, log = true }
";

/// Runs that are judged, compared and promoted, and what is known of them.
fn runs(checked: &mut Checked, project: &Project) {
    checked.command("plan", project, &["plan"]);
    checked.command("error", project, &["drift"]);
    let first = checked.command("outcome", project, &["run"]);
    let first = first["run"].as_str().unwrap().to_owned();
    checked.command("outcome", project, &["gate"]);
    checked.command("plan", project, &["plan", "--set", "model.l2=0.5"]);
    let other = ["--set", "model.l2=0.5"];
    let against = [&["evaluate", "--against", "small:v1"], &other[..]].concat();
    checked.command("outcome", project, &against);
    let second = checked.command("outcome", project, &[&["run"], &other[..]].concat());
    assert!(second["version"].is_object(), "{second:#}");
    let refused = "gate=[{metric='rmse',rule='at_most',value=0.5}]";
    checked.command("outcome", project, &["gate", "--set", refused]);
    checked.command("drift", project, &["drift"]);
    checked.command("retrain", project, &["retrain"]);
    checked.command("retrain", project, &["retrain", "--if", "always"]);
    checked.command(
        "approval",
        project,
        &["promote", "--model", "small/1", "--approve"],
    );
    let forced = ["promote", "--model", "small/2", "--force", "--reason", "x"];
    checked.command("promotion", project, &forced);

    let listed = checked.command("runs-list", project, &["runs", "list"]);
    let newest = listed["runs"][0]["id"].as_str().unwrap();
    checked.command("runs-show", project, &["runs", "show", &first]);
    checked.command(
        "runs-compare",
        project,
        &["runs", "compare", &first, newest],
    );
    checked.command("runs-trace", project, &["runs", "trace", &first]);
    checked.command("runs-ui", project, &["runs", "ui"]);
    checked.command("cache-list", project, &["cache", "list"]);
    checked.command("cache-why", project, &["cache", "why", "train"]);
    let changed = ["cache", "why", "train", "--set", "model.l2=3"];
    checked.command("cache-why", project, &changed);
}

fn registry(checked: &mut Checked, project: &Project) {
    let mut check = |name: &str, args: &[&str]| {
        checked.command(name, project, &[&["registry"], args].concat());
    };
    check("registry-list", &["list"]);
    check("registry-show", &["show", "small@champion"]);
    check("registry-diff", &["diff", "small/1", "small/2"]);
    check("registry-history", &["history"]);
    check("registry-verify", &["verify"]);
    check("registry-fetch", &["fetch", "small/1", "--into", "fetched"]);
    check("registry-copy", &["push", "small/1", "--to", "other"]);
    check("registry-copy", &["pull", "small/1", "--from", "other"]);
    check("registry-copy", &["copy", "registry/store", "third"]);
    check("registry-export", &["export", "small/1", "--oci", "layout"]);
    check(
        "registry-remark",
        &["annotate", "small/1", "--note", "seen"],
    );
    check("registry-rollback", &["rollback", "small@champion"]);
    check("registry-remark", &["retire", "small/2", "--reason", "old"]);
    check("registry-gc", &["gc", "--dry-run"]);
    check(
        "registry-policy",
        &["policy", "s3", "--registry", "s3://models/x"],
    );
    check("registry-keygen", &["keygen", "key"]);
    check("outcome", &["register", "--set", "model.l2=0.7"]);
    check("error", &["show", "small/99"]);
}

fn predictions_and_exports(checked: &mut Checked, project: &Project) {
    let fleet = "datasets/simulated/test_SIM001.txt";
    let predict = ["predict", "-m", "small@champion", "-i", fleet];
    checked.command("predictions", project, &predict);
    let alarmed = [&predict[..], &["--alarm", "rul < 60", "--every-cycle"]].concat();
    checked.command("predictions", project, &alarmed);
    let written = [&predict[..], &["--output", "p.csv"]].concat();
    checked.command("predictions-written", project, &written);
    let onnx = ["export", "onnx", "small@champion", "-o", "m.onnx"];
    checked.command("export-onnx", project, &onnx);
    let mlflow = ["export", "mlflow", "small@champion", "-o", "model"];
    checked.command("export-mlflow", project, &mlflow);
    let inputs = [
        "export",
        "inputs",
        "small@champion",
        "-i",
        fleet,
        "-o",
        "in.json",
    ];
    checked.command("export-inputs", project, &inputs);
}

/// What concerns the project and its pipeline file, and needs no model.
fn project_itself(checked: &mut Checked, project: &Project) {
    let mut check = |name: &str, args: &[&str]| checked.command(name, project, args);
    check("init", &["init", "another"]);
    check("doctor", &["doctor"]);
    check("doctor-ci", &["doctor", "--for", "ci"]);
    check(
        "data-simulate",
        &[
            "data",
            "simulate",
            "--into",
            "sim",
            "--train-units",
            "3",
            "--test-units",
            "2",
        ],
    );
    check("quality", &["data", "validate"]);
    check("outcome", &["features"]);
    check("tune-plan", &["tune", "--dry-run"]);
    check("schedule-next", &["schedule", "next"]);
    check("schedule-export", &["schedule", "export", "cron"]);
    check(
        "schedule-written",
        &["schedule", "export", "systemd", "--output", "units"],
    );
    check("config-show", &["config", "show"]);
    check(
        "config-origin",
        &["config", "show", "--origin", "--set", "model.l2=2"],
    );
    check("config-migrate", &["config", "migrate", "--check"]);
    check("explain-list", &["explain"]);
    check("explain-code", &["explain", "E0107"]);
    check("outputs", &["schema", "outputs"]);
}

/// A quality report of a table with a time column.
fn table_with_times(checked: &mut Checked, project: &Project) {
    let table = SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        "kind = \"table\"\ntrain = \"timed.csv\"\nsensors = [\"s\"]\ntime = { column = \"t\", kind = \"counter\" }",
    );
    project.write("timed.toml", table);
    project.write(
        "timed.csv",
        "unit,t,s\n1,1,0.5\n1,3,0.7\n2,1,0.1\n2,2,0.2\n",
    );
    let report = checked.command("quality", project, &["data", "validate", "timed.toml"]);
    assert!(report["preparation"].is_object(), "{report:#}");
}

/// What files hold, without a pipeline.
fn files(checked: &mut Checked, project: &Project) {
    project.write("fleet.csv", wearing_units(6));
    project.write("later.csv", wearing_units(7));
    checked.command("data-infer", project, &["data", "infer", "fleet.csv"]);
    let written = ["data", "infer", "fleet.csv", "--out", "drafted.toml"];
    checked.command("data-infer", project, &written);
    checked.command("data-profile", project, &["data", "profile", "fleet.csv"]);
    checked.command("data-profile", project, &["data", "profile"]);
    let diff = ["data", "diff", "fleet.csv", "later.csv"];
    checked.command("data-diff", project, &diff);
    checked.command("error", project, &["data", "infer", "pdm.toml"]);
}

/// Errors of every form.
fn errors(checked: &mut Checked, project: &Project) {
    checked.command("error", project, &["plan", "nowhere.toml"]);
    checked.command("error", project, &["plan", "--nonsense"]);
    project.write("broken.toml", "version = 2\n[project]\nsede = 1\n");
    let broken = checked.command("error", project, &["plan", "broken.toml"]);
    assert!(broken["error"]["problems"].is_array(), "{broken:#}");
    let table = SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        "kind = \"table\"\ntrain = \"train.csv\"\nsensors = [\"s\"]",
    );
    project.write("table.toml", table);
    project.write("train.csv", "unit,cycle,s\n1,1,0.5\n1,3,0.5\n2,1,nan\n");
    let invalid = checked.command("error", project, &["evaluate", "table.toml"]);
    assert!(invalid["error"]["report"].is_object(), "{invalid:#}");
}

#[test]
fn what_commands_print_meets_its_schema() {
    let mut checked = Checked::new();
    let (address, _requests) = receiver(&["200 OK"]);
    let notify = format!("[[notify]]\nkind = \"webhook\"\nurl = \"{address}/hook\"\n");
    let project = Project::with_pipeline(&format!("{SMALL}{MORE}{notify}"));
    project_itself(&mut checked, &project);
    files(&mut checked, &project);
    errors(&mut checked, &project);
    table_with_times(&mut checked, &project);
    runs(&mut checked, &project);
    registry(&mut checked, &project);
    predictions_and_exports(&mut checked, &project);
    checked.command("notify-test", &project, &["notify", "test"]);
    checked.command("tune", &project, &["tune"]);
    let gc = ["runs", "gc", "--keep", "1"];
    checked.command("runs-gc", &project, &[&gc[..], &["--dry-run"]].concat());
    checked.command("runs-gc", &project, &[&gc[..], &["--yes"]].concat());
    checked.command("cache-gc", &project, &["cache", "gc", "--dry-run"]);

    let unseen: Vec<_> = checked
        .schemas
        .keys()
        .filter(|name| !checked.seen.contains(*name) && !ELSEWHERE.contains(&name.as_str()))
        .collect();
    assert!(unseen.is_empty(), "no command here printed {unseen:?}");
}

/// The names of all commands that have no commands of their own, such as `registry list`.
fn leaves(project: &Project, path: &[&str], leaves: &mut Vec<String>) {
    let help = project.pdm(&[path, &["--help"]].concat()).stdout;
    let listed = help.split("\nCommands:\n").nth(1);
    let Some(listed) = listed.and_then(|text| text.split("\nOptions:\n").next()) else {
        leaves.push(path.join(" "));
        return;
    };
    for line in listed.lines().filter_map(|line| line.strip_prefix("  ")) {
        // A line that begins deeper goes on with what the one above it says.
        let name = line.split(' ').next().unwrap_or_default();
        if !name.is_empty() && name != "help" {
            self::leaves(project, &[path, &[name]].concat(), leaves);
        }
    }
}

#[test]
fn every_command_has_a_schema() {
    let project = Project::empty();
    let mut commands = Vec::new();
    leaves(&project, &[], &mut commands);
    assert!(commands.len() > 50, "{commands:?}");
    let listed = project.json(&["schema", "outputs"]);
    let printing: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|schema| schema["commands"].as_array().unwrap())
        .map(|command| command.as_str().unwrap())
        .collect();
    for command in &commands {
        let prints = |printing: &str| {
            let rest = printing.strip_prefix(command.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        assert!(
            printing.iter().any(|printing| prints(printing))
                || WITHOUT_DOCUMENT.contains(&command.as_str()),
            "`{command}` has no schema in docs/schemas"
        );
    }
    for printing in printing
        .iter()
        .filter(|text| !text.contains("every command"))
    {
        let known = commands
            .iter()
            .any(|command| printing.starts_with(command.as_str()));
        assert!(known, "`{printing}` is no command");
    }
}

#[test]
fn the_program_prints_the_schemas_of_the_repository() {
    let project = Project::empty();
    let listed = project.json(&["schema", "outputs"]);
    let names: BTreeSet<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|schema| schema["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, schemas().into_keys().collect());
    for name in ["error", "outcome"] {
        let answer = project.pdm(&["schema", "outputs", name]);
        let file = folder().join(format!("{name}.schema.json"));
        assert_eq!(answer.stdout, fs::read_to_string(file).unwrap());
    }
    let unknown = project.pdm(&["schema", "outputs", "nonsense"]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
}

#[test]
fn the_page_of_outputs_names_every_schema() {
    let page = folder().with_file_name("outputs.md");
    let page = fs::read_to_string(page).unwrap();
    for name in schemas().keys() {
        let link = format!("[{name}](schemas/{name}.schema.json)");
        assert!(page.contains(&link), "{link}");
    }
}

/// Calls `see` for every schema within a schema, with its place.
fn each<'a>(schema: &'a Value, at: &str, see: &mut impl FnMut(&str, &'a Map<String, Value>)) {
    let Some(object) = schema.as_object() else {
        return;
    };
    see(at, object);
    for (keyword, inner) in object {
        let at = format!("{at}/{keyword}");
        match keyword.as_str() {
            "properties" | "$defs" => {
                for (key, inner) in inner.as_object().unwrap() {
                    each(inner, &format!("{at}/{key}"), see);
                }
            }
            "anyOf" | "oneOf" => {
                for inner in inner.as_array().unwrap() {
                    each(inner, &at, see);
                }
            }
            "items" | "additionalProperties" => each(inner, &at, see),
            _ => {}
        }
    }
}

#[test]
fn every_schema_is_identified_closed_and_described() {
    for (name, schema) in schemas() {
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        let format = schema["properties"]["format"]["const"].as_u64();
        let id = format!("urn:pdm-ml:output:{name}:{}", format.unwrap_or(1));
        assert_eq!(schema["$id"], id, "{name}");
        assert!(
            schema["title"].is_string() && schema["description"].is_string(),
            "{name}"
        );
        each(&schema, &name, &mut |at, object| {
            let Some(properties) = object.get("properties").and_then(Value::as_object) else {
                return;
            };
            assert!(
                object.contains_key("required") && object.contains_key("additionalProperties"),
                "{at}"
            );
            for (key, property) in properties {
                let described = property["description"].as_str().unwrap_or_default();
                assert!(described.ends_with('.'), "{at}/{key}: {described:?}");
            }
        });
    }
}

#[test]
fn definitions_of_one_name_are_the_same_in_every_schema() {
    let mut known: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for (name, schema) in schemas() {
        for (key, definition) in schema["$defs"].as_object().into_iter().flatten() {
            let first = (name.clone(), definition.clone());
            let (other, expected) = known.entry(key.clone()).or_insert(first);
            assert_eq!(definition, expected, "`{key}` in {name} and in {other}");
        }
    }
    assert!(known.len() > 20, "{} definitions", known.len());
}

#[test]
fn the_validator_sees_what_it_looks_for() {
    let schema = json!({
        "type": "object",
        "properties": {
            "a": { "type": "integer", "minimum": 0 },
            "b": { "anyOf": [{ "$ref": "#/$defs/word" }, { "type": "null" }] },
            "c": { "type": "array", "items": { "type": ["number", "string"] }, "maxItems": 2 },
            "d": { "const": 1 },
            "e": { "type": "object", "additionalProperties": { "type": "boolean" } },
        },
        "required": ["a"],
        "additionalProperties": false,
        "$defs": { "word": { "enum": ["x", "y"] } },
    });
    let good = json!({ "a": 1, "b": null, "c": [1.5, "z"], "d": 1, "e": { "f": true } });
    assert_eq!(Validator::problems(&schema, &good), [""; 0]);
    let bad = [
        json!([]),
        json!({}),
        json!({ "a": 1.5 }),
        json!({ "a": -1 }),
        json!({ "a": 1, "b": "z" }),
        json!({ "a": 1, "c": [null] }),
        json!({ "a": 1, "c": [1, 2, 3] }),
        json!({ "a": 1, "d": 2 }),
        json!({ "a": 1, "e": { "f": 1 } }),
        json!({ "a": 1, "g": 1 }),
    ];
    for document in bad {
        assert!(
            !Validator::problems(&schema, &document).is_empty(),
            "{document}"
        );
    }
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn what_is_printed_of_nasa_files_meets_its_schema() {
    let nasa = needs::cmapss();
    let from = ["data", "fetch", "cmapss", "--from", nasa.to_str().unwrap()];
    Checked::new().command("data-fetch", &Project::empty(), &from);
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn what_is_printed_of_a_tracking_server_meets_its_schema() {
    let name = format!("schemas-{}", std::process::id());
    let project =
        Project::with_pipeline(&SMALL.replace("name = \"small\"", &format!("name = \"{name}\"")));
    project.json(&["run"]);
    let sync = ["track", "sync", "--to", &needs::mlflow_url()];
    let document = Checked::new().command("track-sync", &project, &sync);
    assert_eq!(document["recorded"], 1, "{document:#}");
}
