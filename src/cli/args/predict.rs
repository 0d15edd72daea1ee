//! Arguments of `predict`: a model, histories, and what to do with the predictions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::RegistryArgs;
use pdm_core::domain::Alarm;
use pdm_models::data::{Encoding, RequestedCsv};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml predict --model turbofan-simulated@champion --input datasets/simulated/test_SIM001.txt\n  pdm-ml predict --model ./bundle --input units.csv --output rul.parquet\n  pdm-ml predict --model pumps@champion --input 'today/*.csv.gz' --alarm 'lower < 48' --notify\n  zcat units.csv.gz | pdm-ml predict --model pumps@champion --input - --input-format csv\n\nUnits that cannot be read are listed and skipped, and the exit code is 10. If an alarm condition is met, it is 32 instead."
)]
pub(in crate::cli) struct PredictArgs {
    /// Bundle folder, or `name@alias`, or `name/version`
    #[arg(short, long, value_name = "BUNDLE|REF")]
    pub(in crate::cli) model: String,
    /// C-MAPSS text, CSV or Parquet with the columns that the model needs, optionally as .gz; a pattern such as
    /// 'today/*.csv', or `-` for standard input; may be repeated
    #[arg(short, long, value_name = "FILE", required = true)]
    pub(in crate::cli) input: Vec<PathBuf>,
    /// Format of the input, instead of the one that its name shows; required for standard input
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) input_format: Option<InputFormat>,
    /// Separator of CSV fields, such as ';' or 'tab' [default: that of the project's `[dataset]`, else detected]
    #[arg(long, value_name = "CHARACTER", value_parser = separator)]
    pub(in crate::cli) separator: Option<char>,
    /// Decimal separator in CSV [default: that of the project's `[dataset]`, else detected]
    #[arg(long, value_name = ".|,", value_parser = decimal)]
    pub(in crate::cli) decimal: Option<char>,
    /// Encoding of CSV [default: that of the project's `[dataset]`, else detected]
    #[arg(long, value_enum, value_name = "ENCODING")]
    pub(in crate::cli) encoding: Option<InputEncoding>,
    /// Write to this CSV or Parquet file instead of standard output
    #[arg(short, long, alias = "out", value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Overwrite a file that is not an earlier table of predictions
    #[arg(long, requires = "output")]
    pub(in crate::cli) force: bool,
    /// Predict only these units; may be repeated
    #[arg(long, value_name = "UNIT")]
    pub(in crate::cli) unit: Vec<String>,
    /// Predict at every cycle, not only at the last
    #[arg(long)]
    pub(in crate::cli) every_cycle: bool,
    /// Exit with 32 if a prediction meets a condition on `rul`, `lower` or `upper`, such as 'lower < 48'; may be repeated
    #[arg(long, value_name = "CONDITION")]
    pub(in crate::cli) alarm: Vec<String>,
    /// Notify the receivers in the pipeline's `[[notify]]` about alarms, skipped units and errors
    #[arg(long)]
    pub(in crate::cli) notify: bool,
    /// Append the predictions to this journal [default: .pdm-ml/predictions.ndjson of the project; none with --every-cycle]
    #[arg(long, value_name = "FILE", conflicts_with = "no_journal")]
    pub(in crate::cli) journal: Option<PathBuf>,
    /// Do not write a journal
    #[arg(long)]
    pub(in crate::cli) no_journal: bool,
    /// Pipeline file that sets the project, the registry and `[[notify]]` [default: `pdm.toml` in this folder or the nearest
    /// one above]
    #[arg(long, value_name = "PIPELINE")]
    pub(in crate::cli) pipeline: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) registry: RegistryArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InputFormat {
    /// C-MAPSS text: numbers separated by blanks, without a header
    #[value(alias = "txt")]
    Cmapss,
    /// A table with a header row
    Csv,
    /// Parquet
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum InputEncoding {
    /// UTF-8
    #[value(name = "utf-8")]
    Utf8,
    /// UTF-16 in either byte order
    #[value(name = "utf-16")]
    Utf16,
    /// Latin-1 as Windows extends it (Windows-1252)
    #[value(name = "latin-1")]
    Latin1,
}

fn separator(text: &str) -> Result<char, String> {
    let text = if matches!(text, "tab" | "\\t") {
        "\t"
    } else {
        text
    };
    match text.parse::<char>() {
        Ok(character) if RequestedCsv::can_divide(character) => Ok(character),
        Ok(_) | Err(_) => Err(
            "not a valid separator; use ',', ';', 'tab', '|' or another punctuation character"
                .to_owned(),
        ),
    }
}

fn decimal(text: &str) -> Result<char, String> {
    match text {
        "." => Ok('.'),
        "," => Ok(','),
        _ => Err("expected '.' or ','".to_owned()),
    }
}

impl PredictArgs {
    /// Returns the CSV options.
    pub(in crate::cli) fn csv(&self) -> RequestedCsv {
        let encoding = self.encoding.map(|encoding| match encoding {
            InputEncoding::Utf8 => Encoding::Utf8,
            InputEncoding::Utf16 => Encoding::Utf16,
            InputEncoding::Latin1 => Encoding::Latin1,
        });
        RequestedCsv {
            separator: self.separator,
            decimal: self.decimal,
            encoding,
        }
    }

    /// Parses the alarm conditions.
    pub(in crate::cli) fn alarms(&self) -> Result<Vec<Alarm>, pdm_core::domain::ParseAlarmError> {
        self.alarm.iter().map(|text| text.parse()).collect()
    }
}
