//! The formats of a judgement.

use std::path::Path;

use strum::{IntoStaticStr, VariantArray};

/// The format of a written judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum GateFormat {
    /// JUnit XML: one test per gate.
    Junit,
    /// GitHub's Markdown, with SVG drawings in separate files.
    Markdown,
    /// GitHub's workflow commands, which become annotations.
    Github,
    /// SARIF 2.1.0: one result for each gate that does not pass.
    Sarif,
    /// One JSON document.
    Json,
}

impl GateFormat {
    /// All formats, in the order of the help.
    pub const ALL: [Self; Self::VARIANTS.len()] =
        *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Returns the name, as in `--report NAME=PATH`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the format with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Returns the format for the extension of a file, such as `gate.sarif.json`.
    pub fn of_file(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let known = [
            (".xml", Self::Junit),
            (".md", Self::Markdown),
            (".sarif", Self::Sarif),
            (".sarif.json", Self::Sarif),
            (".json", Self::Json),
        ];
        known
            .into_iter()
            .find(|(ending, _)| name.ends_with(ending))
            .map(|(_, format)| format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_determines_its_format() {
        let seen = [
            "gate.xml",
            "out/GATE.MD",
            "a.sarif",
            "a.sarif.json",
            "a.json",
            "a.txt",
            "xml",
        ];
        let seen = seen.map(|name| GateFormat::of_file(Path::new(name)).map(GateFormat::name));
        let expected = [
            Some("junit"),
            Some("markdown"),
            Some("sarif"),
            Some("sarif"),
            Some("json"),
            None,
            None,
        ];
        assert_eq!(seen, expected);
        assert!(
            GateFormat::ALL
                .iter()
                .all(|format| GateFormat::named(format.name()) == Some(*format))
        );
    }
}
