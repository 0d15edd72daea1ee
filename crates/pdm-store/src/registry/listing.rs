//! Lists a bucket page by page, with a limit on the pages, because the server decides how many there are.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use object_store::ObjectMeta;
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;

/// Most objects of a list. A version has some ten, so these are two hundred thousand versions; they take some 300 MB of memory.
const MOST_OBJECTS: usize = 2_000_000;

/// Most pages of a list. A server usually puts 1000 objects on a page, and fewer if many were removed: this is ten times the
/// number of pages that [`MOST_OBJECTS`] need.
const MOST_PAGES: usize = 20_000;

/// Where to stop listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// After everything.
    End,
    /// After the first page that holds an object.
    Any,
}

/// Why a list failed.
#[derive(Debug)]
pub(super) enum ListError {
    /// The server failed.
    Failed(object_store::Error),
    /// The list is endless; the text completes a sentence that begins with the list.
    Endless(String),
}

/// A bucket that lists its objects in pages.
#[derive(Clone)]
pub(super) struct PagedBucket {
    bucket: Arc<dyn PaginatedListStore>,
    prefix: Path,
    most_objects: usize,
    most_pages: usize,
}

impl fmt::Debug for PagedBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl PagedBucket {
    /// Returns the pages of a bucket under a prefix.
    pub(super) fn new(bucket: Arc<dyn PaginatedListStore>, prefix: Path) -> Self {
        Self {
            bucket,
            prefix,
            most_objects: MOST_OBJECTS,
            most_pages: MOST_PAGES,
        }
    }

    /// Returns the objects under a folder that come after a path, each by its path below the prefix.
    pub(super) async fn list(
        &self,
        folder: &str,
        after: Option<&Path>,
        until: Until,
    ) -> Result<Vec<ObjectMeta>, ListError> {
        let below = |path: &Path| self.prefix.parts().chain(path.parts()).collect::<Path>();
        let prefix = format!("{}/", below(&Path::from(folder)));
        let offset = after.map(|path| below(path).to_string());
        let mut objects = Vec::new();
        let mut token = None;
        let mut seen = HashSet::new();
        loop {
            let options = PaginatedListOptions {
                offset: offset.clone(),
                page_token: token,
                ..PaginatedListOptions::default()
            };
            let page = self
                .bucket
                .list_paginated(Some(&prefix), options)
                .await
                .map_err(ListError::Failed)?;
            objects.extend(
                page.result
                    .objects
                    .into_iter()
                    .filter_map(|object| self.relative(object)),
            );
            let Some(next) = page.page_token else {
                return Ok(objects);
            };
            if until == Until::Any && !objects.is_empty() {
                return Ok(objects);
            }
            if objects.len() > self.most_objects {
                return Err(ListError::Endless(format!(
                    "has more than {} objects",
                    self.most_objects
                )));
            }
            if seen.len() >= self.most_pages {
                return Err(ListError::Endless(format!(
                    "has more than {} pages",
                    self.most_pages
                )));
            }
            if !seen.insert(next.clone()) {
                return Err(ListError::Endless(
                    "refers back to an earlier page".to_owned(),
                ));
            }
            token = Some(next);
        }
    }

    /// Returns an object with its path below the prefix; `None` for one outside the prefix.
    fn relative(&self, object: ObjectMeta) -> Option<ObjectMeta> {
        let location = object.location.prefix_match(&self.prefix)?.collect();
        Some(ObjectMeta { location, ..object })
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use object_store::list::PaginatedListResult;
    use object_store::{ListResult, Result};

    use super::*;
    use crate::registry::blocking::wait;

    type Listed<'a> = Pin<Box<dyn Future<Output = Result<PaginatedListResult>> + Send + 'a>>;

    /// A server with this many pages of this many objects.
    struct Server {
        pages: usize,
        objects: usize,
    }

    impl Server {
        fn page(&self, prefix: &str, number: usize) -> PaginatedListResult {
            let object = |at| ObjectMeta {
                location: Path::from(format!("{prefix}{number:03}-{at:03}")),
                last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
                size: 1,
                e_tag: None,
                version: None,
            };
            let objects = (0..self.objects).map(object).collect();
            let result = ListResult {
                objects,
                common_prefixes: Vec::new(),
                extensions: Default::default(),
            };
            PaginatedListResult {
                result,
                page_token: (number + 1 < self.pages).then(|| (number + 1).to_string()),
            }
        }
    }

    /// As `async_trait` would write it.
    impl PaginatedListStore for Server {
        fn list_paginated<'life0, 'life1, 'async_trait>(
            &'life0 self,
            prefix: Option<&'life1 str>,
            options: PaginatedListOptions,
        ) -> Listed<'async_trait>
        where
            'life0: 'async_trait,
            'life1: 'async_trait,
            Self: 'async_trait,
        {
            let number = options.page_token.map_or(0, |token| token.parse().unwrap());
            let page = self.page(prefix.unwrap(), number);
            Box::pin(async move { Ok(page) })
        }
    }

    fn list(
        pages: usize,
        objects: usize,
        until: Until,
    ) -> std::result::Result<Vec<String>, String> {
        let server = Arc::new(Server { pages, objects });
        let pages = PagedBucket {
            most_objects: 10,
            most_pages: 4,
            ..PagedBucket::new(server, Path::from("plant-7/x"))
        };
        match wait(pages.list("log", None, until)) {
            Ok(objects) => Ok(objects
                .into_iter()
                .map(|object| object.location.to_string())
                .collect()),
            Err(ListError::Endless(what)) => Err(what),
            Err(ListError::Failed(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn all_pages_are_read_and_named_below_the_prefix() {
        let expected = ["log/000-000", "log/000-001", "log/001-000", "log/001-001"];
        assert_eq!(list(2, 2, Until::End).unwrap(), expected);
        assert_eq!(list(usize::MAX, 2, Until::Any).unwrap(), expected[..2]);
    }

    #[test]
    fn a_list_without_end_is_given_up() {
        assert_eq!(
            list(usize::MAX, 6, Until::End).unwrap_err(),
            "has more than 10 objects"
        );
        assert_eq!(
            list(usize::MAX, 0, Until::End).unwrap_err(),
            "has more than 4 pages"
        );
        assert_eq!(
            list(usize::MAX, 0, Until::Any).unwrap_err(),
            "has more than 4 pages"
        );
    }
}
