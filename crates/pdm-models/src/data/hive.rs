//! Values of columns in the names of folders, `key=value`, as Hive, Spark and polars write them.

/// Returns the value of a column in a path, such as `A` of `site` in `data/site=A/part.parquet`.
pub(super) fn value_of(path: &str, column: &str) -> Option<String> {
    let folders = path.split(['/', '\\']);
    let mut values = folders.filter_map(|folder| {
        let (key, value) = folder.split_once('=')?;
        (key == column).then_some(value)
    });
    values.next_back().map(unescaped)
}

/// Decodes `%20` and the like, which writers use for characters that file systems refuse.
fn unescaped(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) if *first == b'%' => {
                bytes.push(code);
                rest = &after[2..];
            }
            Some(_) | None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_and_decoded() {
        let path = "data/site=North%20Sea/machine=P-1/part-0.parquet";
        assert_eq!(value_of(path, "site").as_deref(), Some("North Sea"));
        assert_eq!(value_of(path, "machine").as_deref(), Some("P-1"));
        assert_eq!(value_of(path, "date"), None);
        assert_eq!(value_of("a/x=50%/f.csv", "x").as_deref(), Some("50%"));
    }
}
