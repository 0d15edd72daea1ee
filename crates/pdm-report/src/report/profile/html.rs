//! The description of a data set as an HTML page that needs no other file.

use pdm_core::domain::visible;
use pdm_models::data::DataSummary;

use super::curve;
use super::{ShownTable, headline, lives, tables};

/// The generator that marks a page as written by this program.
pub const GENERATOR: &str = "pdm-ml data profile";

const STYLE: &str = "\
body{font:14px system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1f2328;background:#fff}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}.wide{overflow-x:auto}\
table{border-collapse:collapse}th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid #d8dee4;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}svg{max-width:100%;height:auto}\
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#30363d}}";

/// Returns the description as a page.
pub fn page(summary: &DataSummary) -> String {
    let title = escaped(&format!("Profile of {}", summary.dataset));
    let mut body = format!(
        "<h1>{title}</h1>\n<p>{}.</p>\n<p>{}.</p>\n",
        escaped(&headline(summary)),
        escaped(&lives(summary))
    );
    let name = format!("Survival of {}", summary.dataset);
    if let Some(drawing) = curve::draw(&summary.lives.survival, &name, &summary.counted_in) {
        body.push_str(&drawing);
        body.push('\n');
    }
    for table in tables(summary) {
        body.push_str(&section(&table));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
        <meta name=\"generator\" content=\"{GENERATOR}\"/>\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
        <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

fn section(table: &ShownTable) -> String {
    let header: String = table
        .header
        .iter()
        .map(|name| format!("<th scope=\"col\">{}</th>", escaped(name)))
        .collect();
    let mut rows = String::new();
    for row in &table.rows {
        let cells: String = row
            .iter()
            .map(|cell| format!("<td>{}</td>", escaped(cell)))
            .collect();
        rows.push_str(&format!("<tr>{cells}</tr>\n"));
    }
    format!(
        "<h2>{}</h2>\n<div class=\"wide\"><table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n",
        escaped(&table.title)
    )
}

/// Returns text for a page: names of columns may hold anything.
fn escaped(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_models::data::{InferFile, profile_files};

    /// A fleet with a column whose name is not HTML.
    fn summary() -> DataSummary {
        let mut csv = "unit,cycle,load,\"a<b>&\"\"c\"\n".to_owned();
        for unit in 1..=3 {
            for cycle in 1..=(20 + unit) {
                csv.push_str(&format!(
                    "{unit},{cycle},{},{}\n",
                    (cycle * 7 + unit) % 2,
                    f64::from(cycle).sqrt()
                ));
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fleet.csv");
        std::fs::write(&path, csv).unwrap();
        profile_files(&[InferFile {
            path,
            named: "fleet.csv".to_owned(),
        }])
        .unwrap()
    }

    #[test]
    fn a_page_is_well_formed_whatever_the_names() {
        let page = page(&summary());
        let document = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
        let document = roxmltree::Document::parse(document)
            .unwrap_or_else(|error| panic!("{error}\n{document}"));
        let named = |name: &str| {
            document
                .descendants()
                .filter(|node| node.tag_name().name() == name)
                .count()
        };
        assert_eq!((named("svg"), named("polyline"), named("table")), (1, 3, 4));
        let cells: Vec<_> = document
            .descendants()
            .filter_map(|node| node.text())
            .collect();
        assert!(cells.contains(&"a<b>&\"c"), "{cells:?}");
        assert!(
            !page.contains("http://")
                || page.matches("http").count() == page.matches("http://www.w3.org").count()
        );
    }

    #[test]
    fn the_text_has_the_same_tables() {
        let text = super::super::text(&summary());
        for words in [
            "fleet.csv: 3 units, 66 rows; lives are counted in cycles",
            "Lives: 3 of 3 ended by failure; seen from 20 to 22, median 21; half of the units fail by 21",
            "Distributions",
            "Operating regimes",
            "Survival (Kaplan-Meier)",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}
