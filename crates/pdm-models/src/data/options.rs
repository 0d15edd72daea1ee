//! Options of `[dataset]`.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use strum::{IntoStaticStr, VariantNames};

use super::csv::RequestedCsv;
use super::table::{EXTENSIONS, TableFormat};
use super::{
    CmapssOptions, Encoding, EndOfLife, LifeOptions, PartFile, Role, Schema, SimulateOptions,
    TimeKind, TimeOptions, UnitFromPath, address, cmapss_options, files,
};
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// The source of the data.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    IntoStaticStr,
    VariantNames,
)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a pipeline has one, and it is never in a list"
)]
pub enum DatasetOptions {
    /// NASA's C-MAPSS files.
    Cmapss(CmapssOptions),
    /// A simulated turbofan fleet in the C-MAPSS format.
    Simulated(SimulateOptions),
    /// Any run-to-failure table, as CSV or Parquet.
    Table(TableOptions),
}

/// Run-to-failure histories in CSV (with a header row) or Parquet, depending on the file extension; an additional `.gz` or `.zst` means that
/// the file is compressed.
///
/// One row per cycle; the rows of a unit are consecutive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct TableOptions {
    /// File with histories that run to failure; or a folder, or a pattern such as `"data/*.csv"`, with several such files.
    pub train: PathBuf,
    /// File with histories that stop before failure; or a folder, or a pattern.
    pub test: Option<PathBuf>,
    /// File with one row for each test unit: the unit column, and `rul` with the true remaining cycles.
    pub rul: Option<PathBuf>,
    /// Column that names the unit, as text or a whole number; may be the key of folders named `key=value`.
    pub unit: String,
    /// Regular expression that takes the unit from the path of a file, with a group `unit`: `"(?<unit>P-[0-9]+)\\.csv"`. The
    /// files need no column for the unit then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_from: Option<UnitFromPath>,
    /// Column that counts the cycles, as whole numbers; not read with `[dataset.time]`.
    pub cycle: String,
    /// Columns with operational settings; they define the regime.
    pub settings: Vec<String>,
    /// Columns with sensors.
    pub sensors: Vec<String>,
    /// Field separator of CSV files, such as `";"` or `"\t"`; detected from the header if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<char>,
    /// Decimal mark of CSV files, `"."` or `","`; detected from the numbers if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// Character encoding of CSV files; detected from the bytes if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// Separator of thousands in numbers of CSV files, such as `"'"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Texts that mean that a cell has no value, such as `"n/a"`; needs `[dataset.time]`, which says how it is filled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The time column, and the grid of equal steps that every history is put on; absent if `cycle` counts 1, 2, 3, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeOptions>,
    /// Where the lives of a machine end; absent if every unit failed at its last row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub life: Option<LifeOptions>,
}

impl Default for DatasetOptions {
    fn default() -> Self {
        Self::Simulated(SimulateOptions::default())
    }
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            train: PathBuf::new(),
            test: None,
            rul: None,
            unit: "unit".to_owned(),
            unit_from: None,
            cycle: "cycle".to_owned(),
            settings: Vec::new(),
            sensors: Vec::new(),
            separator: None,
            decimal: None,
            encoding: None,
            thousands: None,
            missing: Vec::new(),
            time: None,
            life: None,
        }
    }
}

impl DatasetOptions {
    /// The values of `kind`.
    pub const KINDS: &'static [&'static str] = Self::VARIANTS;

    /// Reads the options of a kind from its table without `kind`; `None` for an unknown kind.
    pub fn decode<'de, D: Deserializer<'de>>(
        kind: &str,
        options: D,
    ) -> Option<Result<Self, D::Error>> {
        match kind {
            "cmapss" => Some(
                CmapssOptions::deserialize(options).map(|options| Self::Cmapss(options.settled())),
            ),
            "simulated" => Some(SimulateOptions::deserialize(options).map(Self::Simulated)),
            "table" => Some(TableOptions::deserialize(options).map(Self::Table)),
            _ => None,
        }
    }

    /// Returns the kind, one of [`Self::KINDS`].
    pub fn kind(&self) -> &'static str {
        self.into()
    }

    /// Returns the name of the data set: the subset or pooled subsets, the fleet's name, or the training file without its extension; of a
    /// pattern the last folder before it.
    pub fn name(&self) -> String {
        match self {
            Self::Cmapss(options) => options.name(),
            Self::Simulated(options) => options.name.clone(),
            Self::Table(options) => files::name_of(&options.train),
        }
    }

    /// Returns where the lives of machines end, if the options say so.
    pub fn life(&self) -> Option<&LifeOptions> {
        match self {
            Self::Cmapss(_) | Self::Simulated(_) => None,
            Self::Table(options) => options.life.as_ref(),
        }
    }

    /// Returns the columns.
    pub fn schema(&self) -> Schema {
        match self {
            Self::Cmapss(_) | Self::Simulated(_) => Schema::cmapss(),
            Self::Table(options) => options.schema(),
        }
    }

    /// Returns what is out of range or impossible.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::Cmapss(options) => options.problems(),
            Self::Simulated(options) => options.problems(),
            Self::Table(options) => options.problems(),
        }
    }

    pub(super) fn files(&self) -> Vec<PartFile> {
        let ungrouped = |(role, path)| PartFile {
            role,
            group: None,
            name: None,
            path,
        };
        match self {
            Self::Cmapss(options) => options.files(),
            Self::Simulated(options) => cmapss_options::files(&options.path, &options.name)
                .into_iter()
                .map(ungrouped)
                .collect(),
            Self::Table(options) => options.files().into_iter().map(ungrouped).collect(),
        }
    }

    /// Returns whether a missing test part is an error; the published parts may be installed one by one.
    pub(super) fn needs_every_file(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    /// Returns what to do if the training file is missing.
    pub fn how_to_get(&self) -> String {
        match self {
            Self::Cmapss(_) => "run `pdm-ml data fetch cmapss --from <folder|zip>`".to_owned(),
            Self::Simulated(_) => "run `pdm-ml data simulate`".to_owned(),
            Self::Table(_) => {
                "give the path of the file under [dataset], relative to the project".to_owned()
            }
        }
    }
}

impl TableOptions {
    /// Returns the columns.
    pub fn schema(&self) -> Schema {
        Schema {
            unit: self.unit.clone(),
            unit_from: self.unit_from.clone(),
            cycle: self.cycle.clone(),
            settings: self.settings.clone(),
            sensors: self.sensors.clone(),
            time: self.grid(),
            missing: self.missing.clone(),
            thousands: self.thousands,
        }
    }

    /// Returns the time column and the grid. Lives that end within a table need one: without a time column, the cycles are counted.
    fn grid(&self) -> Option<TimeOptions> {
        if self.time.is_some() {
            return self.time.clone();
        }
        let life = self.life.as_ref()?;
        match life.end {
            EndOfLife::LastRow => None,
            EndOfLife::Column | EndOfLife::Events => Some(TimeOptions {
                column: self.cycle.clone(),
                kind: TimeKind::Counter,
                ..TimeOptions::default()
            }),
        }
    }

    /// Returns what is out of range or impossible.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.train.as_os_str().is_empty() {
            problems.push(
                Problem::new("train", "names no file")
                    .hint("a .csv or .parquet file with whole histories"),
            );
        }
        if self.sensors.is_empty() {
            problems.push(Problem::new(
                "sensors",
                "is empty: a model needs at least one sensor",
            ));
        }
        let other =
            |key: &str, message: &str| Problem::new(key, message).with_code(Code::KeyNeedsOther);
        match (&self.test, &self.rul) {
            (Some(_), None) => problems.push(other(
                "test",
                "needs `rul`: without true lives it cannot be scored",
            )),
            (None, Some(_)) => {
                problems.push(other("rul", "needs `test`: the histories it belongs to"))
            }
            _ => {}
        }
        problems.extend(self.unusable_paths());
        problems.extend(self.repeated_columns());
        problems.extend(self.impossible_marks());
        problems.extend(self.time_and_life_problems());
        problems
    }

    /// Returns the settings for CSV files.
    pub fn csv(&self) -> RequestedCsv {
        RequestedCsv {
            separator: self.separator,
            decimal: self.decimal,
            encoding: self.encoding,
        }
    }

    fn impossible_marks(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(separator) = self.separator
            && !RequestedCsv::can_divide(separator)
        {
            let message = format!("is {separator:?}, which cannot separate fields");
            problems.push(
                Problem::new("separator", message).hint("one of \",\", \";\", \"\\t\" and \"|\""),
            );
        }
        if let Some(thousands) = self.thousands
            && (thousands.is_alphanumeric() || matches!(thousands, '-' | '+' | '"' | '\n' | '\r'))
        {
            let message = format!("is {thousands:?}, which cannot separate thousands");
            problems.push(Problem::new("thousands", message).hint("\"'\", \",\", \".\" or \" \""));
        }
        if let Some(thousands) = self.thousands
            && (self.decimal == Some(thousands) || self.separator == Some(thousands))
        {
            let message = "must differ from `decimal` and `separator`";
            problems.push(Problem::new("thousands", message).with_code(Code::KeysExclude));
        }
        if let Some(decimal) = self.decimal
            && !matches!(decimal, '.' | ',')
        {
            let message = format!("is {decimal:?}, and must be \".\" or \",\"");
            problems.push(Problem::new("decimal", message));
        }
        problems
    }

    fn time_and_life_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(time) = &self.time {
            let of_time = time.problems().into_iter();
            problems.extend(of_time.map(|problem| problem.within("time")));
        } else if self.grid().is_none() && !self.missing.is_empty() {
            let message = "needs [dataset.time], which says how a missing value is filled";
            problems.push(Problem::new("missing", message).with_code(Code::KeyNeedsOther));
        }
        let Some(life) = &self.life else {
            return problems;
        };
        let of_life = life.problems().into_iter();
        problems.extend(of_life.map(|problem| problem.within("life")));
        problems
    }

    fn files(&self) -> Vec<(Role, PathBuf)> {
        let events = self.life.as_ref().and_then(|life| life.events.as_ref());
        let optional = [
            (Role::Test, self.test.as_ref()),
            (Role::Rul, self.rul.as_ref()),
            (Role::Events, events),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(role, path)| Some((role, path?.clone())));
        std::iter::once((Role::Train, self.train.clone()))
            .chain(optional)
            .collect()
    }

    fn unusable_paths(&self) -> Vec<Problem> {
        let paths = [
            ("train", Some(&self.train)),
            ("test", self.test.as_ref()),
            ("rul", self.rul.as_ref()),
        ];
        let mut problems = Vec::new();
        if let Some(events) = self.life.as_ref().and_then(|life| life.events.as_ref())
            && TableFormat::of(events) != Some(TableFormat::Csv)
        {
            let message = format!(
                "`{}` does not end in .csv or .tsv (also with .gz or .zst)",
                events.display()
            );
            problems.push(Problem::new("life.events", message));
        }
        for (key, path) in paths {
            let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else {
                continue;
            };
            if let Some(address) = address::shown(path) {
                let message =
                    format!("`{address}` is an address; data are read from local files only");
                problems.push(
                    Problem::new(key, message)
                        .with_code(Code::DataAddress)
                        .hint(address::FETCH_FIRST),
                );
            } else if key != "rul" && files::is_pattern(path) {
                if let Some(error) = files::pattern_error(path) {
                    let message =
                        format!("`{}` is not a pattern of files: {error}", path.display());
                    problems.push(Problem::new(key, message));
                }
            } else if key != "rul" && path.extension().is_none() {
                // A folder, whose tables are read.
            } else if TableFormat::of(path).is_none() {
                let message = format!("`{}` does not end in {EXTENSIONS}", path.display());
                problems.push(Problem::new(key, message));
            }
        }
        problems
    }

    fn repeated_columns(&self) -> Vec<Problem> {
        let cycle = match &self.time {
            Some(time) => ("time.column", std::slice::from_ref(&time.column)),
            None => ("cycle", std::slice::from_ref(&self.cycle)),
        };
        let named = [("unit", std::slice::from_ref(&self.unit)), cycle];
        let listed = [
            ("settings", self.settings.as_slice()),
            ("sensors", self.sensors.as_slice()),
        ];
        let mut seen = std::collections::BTreeSet::new();
        let mut problems = Vec::new();
        for (key, columns) in named.into_iter().chain(listed) {
            for column in columns {
                if column.is_empty() {
                    problems.push(Problem::new(key, "names a column without a name"));
                } else if !seen.insert(column) {
                    let message = format!("names column `{column}`, which is already named");
                    problems.push(Problem::new(key, message).with_code(Code::NamedTwice));
                }
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn decode(kind: &str, text: &str) -> DatasetOptions {
        DatasetOptions::decode(kind, toml::Deserializer::parse(text).unwrap())
            .unwrap()
            .unwrap()
    }

    #[test]
    fn every_kind_decodes_from_an_empty_table_and_survives_json() {
        for kind in DatasetOptions::KINDS {
            let options = decode(kind, "");
            assert_eq!(options.kind(), *kind);
            let json = serde_json::to_string(&options).unwrap();
            assert!(json.contains(&format!("\"kind\":\"{kind}\"")));
            assert_eq!(
                serde_json::from_str::<DatasetOptions>(&json).unwrap(),
                options
            );
        }
        assert!(
            DatasetOptions::decode("postgres", toml::Deserializer::parse("").unwrap()).is_none()
        );
    }

    #[test]
    fn names_and_files_follow_the_options() {
        let options = decode("cmapss", "subset = 'FD003'\nverify = 'off'");
        assert_eq!(options.name(), "FD003");
        let files: Vec<_> = super::super::parts(&options, Path::new("/p"))
            .into_iter()
            .map(|part| part.path)
            .collect();
        assert_eq!(files[0], Path::new("/p/datasets/cmapss/train_FD003.txt"));
        assert_eq!(files[2], Path::new("/p/datasets/cmapss/RUL_FD003.txt"));
    }

    #[test]
    fn a_table_reports_all_invalid_options_at_once() {
        let options = decode(
            "table",
            "train = 'a.txt'\ntest = 'b.csv'\nsettings = ['x', 'unit', '']",
        );
        let paths: Vec<_> = options
            .problems()
            .into_iter()
            .map(|problem| problem.path)
            .collect();
        assert_eq!(paths, ["sensors", "test", "train", "settings", "settings"]);
        let good = decode("table", "train = 'a.csv'\nsensors = ['t']");
        assert_eq!(good.problems(), []);
        assert_eq!(good.name(), "a");
    }
}
