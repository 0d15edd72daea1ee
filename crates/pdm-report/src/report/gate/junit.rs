//! Judgements as JUnit XML.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::judgement::{EarlyEnd, GateLine, JudgedModel, Judgement};
use super::words;
use pdm_core::scoring::Verdict;

type Xml = Writer<Vec<u8>>;

/// Returns a judgement as JUnit XML: a suite for the pipeline, with one test per gate.
///
/// An undecided gate is a failure of the type `undecided`, because a skipped test would pass. An early end of the run
/// is a test with an error. It follows the schema of Jenkins, which has no file and line of a test: these are in the text.
///
/// # Panics
/// Never: writing to memory does not fail.
pub fn junit(judgement: &Judgement) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut xml, judgement).expect("writing to memory does not fail");
    let mut text = String::from_utf8(xml.into_inner()).expect("the XML is UTF-8");
    text.push('\n');
    text
}

fn write(xml: &mut Xml, judgement: &Judgement) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let names = names(judgement);
    let failures = judgement.gates.len() - judgement.count(Verdict::Pass);
    let counts = [
        (
            "tests",
            (judgement.gates.len() + judgement.troubles.len()).to_string(),
        ),
        ("failures", failures.to_string()),
        ("errors", judgement.troubles.len().to_string()),
    ];
    let counts = || counts.iter().map(|(name, count)| (*name, count.as_str()));
    let suite = clean(&format!("gates of {}", judgement.pipeline));
    xml.create_element("testsuites")
        .with_attribute(("name", "pdm-ml"))
        .with_attributes(counts())
        .write_inner_content(|xml| {
            let element = xml
                .create_element("testsuite")
                .with_attribute(("name", suite.as_str()));
            let element = element
                .with_attributes(counts())
                .with_attribute(("skipped", "0"));
            let file = judgement.file.as_deref().map(clean);
            let element = element.with_attributes(file.as_deref().map(|file| ("file", file)));
            element.write_inner_content(|xml| {
                properties(xml, judgement)?;
                for end in &judgement.troubles {
                    error(xml, judgement, end)?;
                }
                for (gate, name) in judgement.gates.iter().zip(&names) {
                    test(xml, judgement, gate, name)?;
                }
                Ok(())
            })?;
            Ok(())
        })?;
    Ok(())
}

/// Returns a unique name for each gate, because readers track tests by name.
fn names(judgement: &Judgement) -> Vec<String> {
    let titles: Vec<_> = judgement.gates.iter().map(GateLine::title).collect();
    let name = |(i, title): (usize, &String)| match titles[..i]
        .iter()
        .filter(|before| *before == title)
        .count()
    {
        0 => title.clone(),
        before => format!("{title} ({})", before + 1),
    };
    titles.iter().enumerate().map(name).collect()
}

fn properties(xml: &mut Xml, judgement: &Judgement) -> io::Result<()> {
    let mut properties = vec![("verdict", words::verdict_line(judgement))];
    properties.extend(judgement.evidence.iter().flat_map(of_evidence));
    xml.create_element("properties")
        .write_inner_content(|xml| {
            properties.iter().try_for_each(|(name, value)| {
                let property = xml
                    .create_element("property")
                    .with_attribute(("name", *name));
                property
                    .with_attribute(("value", clean(value).as_str()))
                    .write_empty()
                    .map(|_| ())
            })
        })?;
    Ok(())
}

fn of_evidence(evidence: &JudgedModel) -> Vec<(&'static str, String)> {
    let version = evidence
        .version
        .map(|version| ("version", format!("{}/{version}", evidence.model)));
    let mut properties = vec![
        ("bundle", evidence.bundle.to_string()),
        ("champion", words::champion(evidence)),
        ("protocol", evidence.protocol.clone()),
        (
            "protocol digest",
            evidence.scorecard.protocol_digest.to_string(),
        ),
        ("units", evidence.scorecard.units.to_string()),
        ("interval", words::interval_method(evidence)),
        ("seeds", evidence.seeds.to_string()),
    ];
    properties.extend(version);
    properties
}

fn test(xml: &mut Xml, judgement: &Judgement, gate: &GateLine, name: &str) -> io::Result<()> {
    let class = clean(&format!("{}.gates", judgement.pipeline));
    let element = xml
        .create_element("testcase")
        .with_attribute(("name", clean(name).as_str()));
    let element = element
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("time", "0"));
    let kind = match gate.verdict {
        Verdict::Pass => return write_child(element, "system-out", &[], &gate.why),
        Verdict::Fail => "refused",
        Verdict::Undecided => "undecided",
    };
    let place = gate
        .place
        .as_ref()
        .map(|place| format!("\n{}:{}", place.file, place.line));
    let text = format!("{}{}", gate.why, place.unwrap_or_default());
    write_child(
        element,
        "failure",
        &[("type", kind), ("message", &gate.why)],
        &text,
    )
}

fn error(xml: &mut Xml, judgement: &Judgement, end: &EarlyEnd) -> io::Result<()> {
    let class = clean(&format!("{}.line", judgement.pipeline));
    let name = end.kind.replace('_', " ");
    let element = xml
        .create_element("testcase")
        .with_attribute(("name", clean(&name).as_str()));
    let element = element
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("time", "0"));
    let place = end
        .place
        .as_ref()
        .map(|place| format!("\n{}:{}", place.file, place.line));
    let text = format!("{}{}", words::early_end(end), place.unwrap_or_default());
    write_child(
        element,
        "error",
        &[
            ("type", &end.kind),
            ("message", words::first_line(&end.message)),
        ],
        &text,
    )
}

type Element<'a> = quick_xml::writer::ElementWriter<'a, Vec<u8>>;

/// Writes a test with one child element.
fn write_child(
    test: Element<'_>,
    name: &str,
    attributes: &[(&str, &str)],
    text: &str,
) -> io::Result<()> {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|(name, value)| (*name, clean(value)))
        .collect();
    test.write_inner_content(|xml| {
        let element = xml.create_element(name);
        let element = element.with_attributes(
            attributes
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        element.write_text_content(BytesText::new(&clean(text)))?;
        Ok(())
    })?;
    Ok(())
}

/// Replaces control characters that XML 1.0 cannot represent.
fn clean(text: &str) -> String {
    let known = |c: char| {
        matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars()
        .map(|c| {
            if known(c) {
                c
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect()
}
