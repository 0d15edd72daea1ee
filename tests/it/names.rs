//! One type name, one meaning: no two types of the workspace have the same name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use crate::architecture::{source_folders, sources};

/// Names that several types may have, and why.
const SHARED: [(&str, &str); 2] = [
    (
        "Registry",
        "the waiting form in `registry::blocking` is named as the async one, as in `reqwest::blocking`",
    ),
    (
        "Export",
        "one of the two is compiled: with or without the feature `otlp`",
    ),
];

#[derive(Default)]
struct TypeNames(Vec<String>);

impl<'ast> Visit<'ast> for TypeNames {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.0.push(item.ident.to_string());
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.0.push(item.ident.to_string());
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.0.push(item.ident.to_string());
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.0.push(item.ident.to_string());
        visit::visit_item_type(self, item);
    }
}

fn names_in(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let parsed = syn::parse_file(&text).unwrap();
    let mut names = TypeNames::default();
    names.visit_file(&parsed);
    names.0
}

#[test]
fn a_type_name_denotes_one_type() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in source_folders().iter().flat_map(|folder| sources(folder)) {
        for name in names_in(&file) {
            let places = places.entry(name).or_default();
            places.push(file.display().to_string());
        }
    }
    assert!(
        places.len() > 1000,
        "only {} types were found",
        places.len()
    );
    places.retain(|_, places| places.len() > 1);
    for (name, why) in SHARED {
        assert!(
            places.remove(name).is_some(),
            "`{name}` is no longer shared ({why}); remove it from the list"
        );
    }
    assert!(
        places.is_empty(),
        "several types have one name: {places:#?}"
    );
}
