//! A new case of an enum is a compile error wherever it matters: no `match` on an enum of ours ends in a catch-all.
//!
//! Clippy's `wildcard_enum_match_arm` does the same for the enums of every library, which we cannot change, and does not look
//! into tuples.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ExprLet, ExprMatch, ItemEnum, ItemImpl, ItemMod, Local, Macro, Pat, Type};

use crate::architecture::{is_test, source_folders, sources};

/// Enums that no `match` lists completely: what is not named is "any other event" or "any other end".
const OPEN: [&str; 2] = ["Event", "Exit"];

/// Enums of which a single case is not asked for either: `matches!` and `if let` would hide a new family as a `_` does.
const WHOLE: [&str; 2] = ["Class", "ModelOptions"];

fn is_open(name: &str) -> bool {
    name.ends_with("Error") || OPEN.contains(&name)
}

/// The enums of the program, each with its cases.
#[derive(Default)]
struct Enums(BTreeMap<String, BTreeSet<String>>);

impl<'ast> Visit<'ast> for Enums {
    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        let cases = item.variants.iter().map(|case| case.ident.to_string());
        self.0
            .entry(item.ident.to_string())
            .or_default()
            .extend(cases);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }
}

/// An enum of ours in a pattern, with the `Some`, `Ok` or `Err` around it, or none.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    around: String,
    name: String,
}

struct Search<'a> {
    enums: &'a Enums,
    file: &'a str,
    /// What `Self` is.
    owner: String,
    found: Vec<String>,
}

impl Search<'_> {
    /// Collects the enums of ours that a pattern names.
    fn named(&self, pattern: &Pat, around: &str, found: &mut Vec<Named>) {
        let mut path = |path: &syn::Path| {
            let words: Vec<_> = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect();
            let [.., name, case] = words.as_slice() else {
                return;
            };
            let name = if name == "Self" { &self.owner } else { name };
            if self
                .enums
                .0
                .get(name)
                .is_some_and(|cases| cases.contains(case))
                && !is_open(name)
            {
                found.push(Named {
                    around: around.to_owned(),
                    name: name.clone(),
                });
            }
        };
        match pattern {
            Pat::Path(pattern) => path(&pattern.path),
            Pat::Struct(pattern) => path(&pattern.path),
            Pat::TupleStruct(pattern) => {
                path(&pattern.path);
                if let Some(around) = pattern.path.get_ident() {
                    let around = around.to_string();
                    pattern
                        .elems
                        .iter()
                        .for_each(|inner| self.named(inner, &around, found));
                }
            }
            Pat::Or(pattern) => pattern
                .cases
                .iter()
                .for_each(|case| self.named(case, around, found)),
            Pat::Reference(pattern) => self.named(&pattern.pat, around, found),
            Pat::Paren(pattern) => self.named(&pattern.pat, around, found),
            Pat::Ident(pattern) => {
                if let Some((_, inner)) = &pattern.subpat {
                    self.named(inner, around, found);
                }
            }
            _ => {}
        }
    }

    fn report(&mut self, line: usize, name: &str, what: &str) {
        self.found
            .push(format!("{}:{line}: {what} of `{name}`", self.file));
    }

    /// Reports a pattern that asks for one case of an enum whose cases are all to be gone through.
    fn report_single(&mut self, pattern: &Pat) {
        for cell in rows(pattern).into_iter().flatten() {
            let mut named = Vec::new();
            self.named(cell, "", &mut named);
            for enumeration in named
                .iter()
                .filter(|named| WHOLE.contains(&named.name.as_str()))
            {
                self.report(
                    cell.span().start().line,
                    &enumeration.name,
                    "one case is asked for",
                );
            }
        }
    }
}

/// Returns the pattern around a catch-all: nothing, or the `Some`, `Ok` or `Err` around it.
fn catch_all(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Wild(_) => Some(String::new()),
        Pat::Ident(pattern) if pattern.subpat.is_none() => {
            let name = pattern.ident.to_string();
            name.starts_with(|first: char| first.is_lowercase())
                .then(String::new)
        }
        Pat::Reference(pattern) => catch_all(&pattern.pat),
        Pat::Paren(pattern) => catch_all(&pattern.pat),
        Pat::TupleStruct(pattern) => {
            let around = pattern.path.get_ident()?.to_string();
            pattern
                .elems
                .iter()
                .all(|inner| catch_all(inner).is_some())
                .then_some(around)
        }
        _ => None,
    }
}

/// Returns the rows of a pattern: one for each alternative, with a cell for each place of a tuple.
fn rows(pattern: &Pat) -> Vec<Vec<&Pat>> {
    match pattern {
        Pat::Tuple(pattern) => vec![pattern.elems.iter().collect()],
        Pat::Or(pattern) => pattern.cases.iter().flat_map(rows).collect(),
        Pat::Paren(pattern) => rows(&pattern.pat),
        pattern => vec![vec![pattern]],
    }
}

/// Returns the cell at a place; of a `_` for the whole tuple, that.
fn cell<'p>(row: &[&'p Pat], at: usize) -> Option<&'p Pat> {
    row.get(at)
        .or(row
            .first()
            .filter(|only| row.len() == 1 && catch_all(only).is_some()))
        .copied()
}

/// Returns whether a row takes in all that another has beside one place.
fn takes_in(row: &[&Pat], other: &[&Pat], place: usize, width: usize) -> bool {
    (0..width).filter(|at| *at != place).all(|at| {
        let (Some(own), Some(other)) = (cell(row, at), cell(other, at)) else {
            return false;
        };
        catch_all(own).is_some_and(|around| around.is_empty())
            || own.span().source_text() == other.span().source_text()
    })
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let outer = std::mem::take(&mut self.owner);
        if let Type::Path(path) = &*item.self_ty
            && let Some(last) = path.path.segments.last()
        {
            self.owner = last.ident.to_string();
        }
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_expr_match(&mut self, item: &'ast ExprMatch) {
        let all: Vec<_> = item.arms.iter().flat_map(|arm| rows(&arm.pat)).collect();
        // An arm with a guard may not be taken, and leaves its cases to the others.
        let sure: Vec<_> = item
            .arms
            .iter()
            .filter(|arm| arm.guard.is_none())
            .flat_map(|arm| rows(&arm.pat))
            .collect();
        let width = all.iter().map(Vec::len).max().unwrap_or_default();
        let mut hidden = BTreeSet::new();
        for (row, at) in sure
            .iter()
            .flat_map(|row| (0..width).map(move |at| (row, at)))
        {
            let Some(cell_there) = cell(row, at) else {
                continue;
            };
            let Some(around) = catch_all(cell_there) else {
                continue;
            };
            for other in all.iter().filter(|other| takes_in(row, other, at, width)) {
                let mut named = Vec::new();
                cell(other, at)
                    .into_iter()
                    .for_each(|cell| self.named(cell, "", &mut named));
                named.retain(|named| around.is_empty() || around == named.around);
                hidden.extend(
                    named
                        .into_iter()
                        .map(|named| (cell_there.span().start().line, named.name)),
                );
            }
        }
        hidden
            .iter()
            .for_each(|(line, name)| self.report(*line, name, "a catch-all hides cases"));
        visit::visit_expr_match(self, item);
    }

    fn visit_expr_let(&mut self, item: &'ast ExprLet) {
        self.report_single(&item.pat);
        visit::visit_expr_let(self, item);
    }

    fn visit_local(&mut self, item: &'ast Local) {
        if item
            .init
            .as_ref()
            .is_some_and(|init| init.diverge.is_some())
        {
            self.report_single(&item.pat);
        }
        visit::visit_local(self, item);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        // `matches!(value, pattern)`: its words are the same as those of a `match`.
        let parse = |input: syn::parse::ParseStream<'_>| {
            let value: Expr = input.parse()?;
            input.parse::<syn::Token![,]>()?;
            let pattern = Pat::parse_multi_with_leading_vert(input)?;
            input.parse::<proc_macro2::TokenStream>()?;
            Ok((value, pattern))
        };
        if item.path.is_ident("matches")
            && let Ok((value, pattern)) = item.parse_body_with(parse)
        {
            self.report_single(&pattern);
            self.visit_expr(&value);
        }
    }
}

fn complaints(files: &[(String, String)]) -> Vec<String> {
    let parsed: Vec<_> = files
        .iter()
        .map(|(name, text)| (name, syn::parse_file(text).unwrap()))
        .collect();
    let mut enums = Enums::default();
    parsed.iter().for_each(|(_, file)| enums.visit_file(file));
    let mut found = Vec::new();
    for (name, file) in &parsed {
        let mut search = Search {
            enums: &enums,
            file: name,
            owner: String::new(),
            found: Vec::new(),
        };
        search.visit_file(file);
        found.extend(search.found);
    }
    found
}

#[test]
fn no_match_on_an_enum_of_ours_ends_in_a_catch_all() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = source_folders()
        .into_iter()
        .flat_map(|folder| sources(&folder))
        .filter(|file| !is_test(file));
    let files = files.map(|file| {
        (
            file.strip_prefix(root).unwrap().display().to_string(),
            fs::read_to_string(file).unwrap(),
        )
    });
    let found = complaints(&files.collect::<Vec<_>>());
    assert!(
        found.is_empty(),
        "name the cases, so that a new one is a compile error here:\n{}",
        found.join("\n")
    );
}

#[test]
fn every_way_to_hide_a_case_is_found_and_nothing_else() {
    let head = "enum Rule { Most, Least } enum Class { A, B } enum SomeError { X, Y }\n";
    let found = |body: &str| complaints(&[("x.rs".to_owned(), format!("{head}{body}"))]).len();
    for hidden in [
        "fn f(r: Rule) -> u8 { match r { Rule::Most => 1, _ => 2 } }",
        "fn f(r: Rule) -> u8 { match r { Rule::Most => 1, other => g(other) } }",
        "impl Rule { fn f(self) -> u8 { match self { Self::Most => 1, _ => 2 } } }",
        "fn f(r: Option<Rule>) -> u8 { match r { Some(Rule::Most) => 1, Some(_) => 2, None => 3 } }",
        "fn f(r: &Rule, b: bool) -> u8 { match (b, r) { (true, Rule::Most) => 1, (false, Rule::Least) => 2, (_, _) => 3 } }",
        "fn f(r: Rule, b: bool) -> u8 { match (r, b) { (Rule::Most, true) => 1, (_, true) => 2, (Rule::Most | Rule::Least, false) => 3 } }",
        "fn f(r: Rule, b: bool) -> u8 { match (r, b) { (Rule::Most, true) => 1, (Rule::Least, true) => 2, _ => 3 } }",
        "fn f(r: Rule) -> u8 { if true { match r { Rule::Least | Rule::Most => 1, _ => 2 } } else { 0 } }",
        "fn f(c: Class) -> bool { matches!(c, Class::A) }",
        "fn f(c: Class) { if let Class::A = c {} }",
        "fn f(c: Class) { let Class::A = c else { return }; }",
    ] {
        assert_eq!(found(hidden), 1, "{hidden}");
    }
    for open in [
        "fn f(r: Rule) -> u8 { match r { Rule::Most => 1, Rule::Least => 2 } }",
        "fn f(r: Rule) -> u8 { match r { _ if g() => 0, Rule::Most => 1, Rule::Least => 2 } }",
        "fn f(r: Result<Rule, u8>) -> u8 { match r { Ok(Rule::Most) => 1, Ok(Rule::Least) => 2, Err(e) => e } }",
        "fn f(e: SomeError) -> u8 { match e { SomeError::X => 1, _ => 2 } }",
        "fn f(n: u8) -> u8 { match n { 1 => 1, _ => 2 } }",
        "fn f(r: Rule) -> bool { matches!(r, Rule::Most) }",
        "fn f(r: Rule, b: Option<u8>) -> u8 { match (b, r) { (Some(b), _) => b, (None, Rule::Most) => 1, (None, Rule::Least) => 2 } }",
        "mod tests { fn f(r: super::Rule) -> u8 { match r { super::Rule::Most => 1, _ => 2 } } }",
    ] {
        assert_eq!(found(open), 0, "{open}");
    }
}
