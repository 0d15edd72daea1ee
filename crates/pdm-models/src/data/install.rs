//! Installs the published C-MAPSS files from a folder or an archive.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zip::ZipArchive;
use zip::result::ZipError;

use super::write::write_file;
use super::{DataError, manifest};
use pdm_core::content::Digest;

/// Size limit of a file; the largest published one has 10 MB.
const LARGEST_FILE: u64 = 32 << 20;
/// Size limit of a nested archive; the published one has 12 MB.
const LARGEST_INNER_ARCHIVE: u64 = 256 << 20;
/// Maximum depth to which folders and archives are searched.
const DEEPEST: usize = 4;
/// Limit of files in a source; the published archives have fewer than 20.
const MOST_FILES: usize = 10_000;
/// Limit of unpacked bytes in all; the published archives unpack to 60 MB, nested ones included.
const MOST_UNPACKED: u64 = 512 << 20;

/// Result of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InstallReport {
    /// Files that were written.
    pub installed: Vec<String>,
    /// Files that were already installed.
    pub already_there: Vec<String>,
    /// Published data files that are still missing.
    pub missing: Vec<String>,
}

/// A file with the name of a published one, but other contents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedFile {
    /// The published name.
    pub name: String,
    /// Where it was found; entries of an archive follow a `!`.
    pub path: PathBuf,
    /// The published digest.
    pub expected: Digest,
    /// Its digest; absent if it is larger than any published file.
    pub found: Option<Digest>,
}

/// Installs the C-MAPSS files found in a folder or a zip archive, nested archives included, into a folder.
///
/// Files are recognised by their digest, whatever their name. Nothing is installed if a file of the source has a published
/// name but other contents.
///
/// An existing file with a published name but other contents is replaced only if `overwrites` is set.
///
/// # Errors
/// The source cannot be read, has no file of the data set or a damaged copy, another file would be overwritten, or the folder
/// cannot be written.
pub fn install(from: &Path, into: &Path, overwrites: bool) -> Result<InstallReport, DataError> {
    let found = search(from)?;
    if !found.refused.is_empty() {
        return Err(DataError::Refused {
            from: from.to_owned(),
            refused: found.refused,
        });
    }
    if found.files.is_empty() {
        return Err(DataError::NothingToInstall(from.to_owned()));
    }
    if !overwrites {
        refuse_other_files(&found.files, into)?;
    }
    put_in_place(&found.files, into)
}

fn refuse_other_files(files: &BTreeMap<String, Vec<u8>>, into: &Path) -> Result<(), DataError> {
    for (name, contents) in files {
        let path = into.join(name);
        let is_other = path.exists()
            && Digest::of_file(&path).is_ok_and(|existing| existing != Digest::of(contents));
        if is_other {
            return Err(DataError::InTheWay {
                path,
                what: "the published file",
            });
        }
    }
    Ok(())
}

fn put_in_place(
    files: &BTreeMap<String, Vec<u8>>,
    into: &Path,
) -> Result<InstallReport, DataError> {
    let mut report = InstallReport::default();
    for (name, contents) in files {
        if Digest::of_file(&into.join(name)).is_ok_and(|existing| existing == Digest::of(contents))
        {
            report.already_there.push(name.clone());
        } else {
            write_file(into, name, contents)?;
            report.installed.push(name.clone());
        }
    }
    let in_place = |file: &&manifest::PinnedFile| {
        files.contains_key(&file.name)
            || Digest::of_file(&into.join(&file.name)).is_ok_and(|it| it == file.sha256)
    };
    let missing = manifest::cmapss()
        .files
        .iter()
        .filter(|file| !in_place(file));
    report.missing = missing.map(|file| file.name.clone()).collect();
    Ok(report)
}

/// Files found by a search.
#[derive(Default)]
struct LocatedFiles {
    /// Contents by published name.
    files: BTreeMap<String, Vec<u8>>,
    refused: Vec<RefusedFile>,
    inspected: usize,
    /// Bytes that were unpacked, used or not.
    unpacked: u64,
}

fn search(from: &Path) -> Result<LocatedFiles, DataError> {
    let mut found = LocatedFiles::default();
    let metadata = fs::metadata(from).map_err(DataError::io("read", from))?;
    if metadata.is_dir() {
        found.folder(from, 0)?;
    } else if metadata.is_file() {
        found.file(from, 0)?;
    } else {
        return Err(DataError::NotAFile(from.to_owned()));
    }
    Ok(found)
}

impl LocatedFiles {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), DataError> {
        let entries = fs::read_dir(folder).map_err(DataError::io("read", folder))?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(DataError::io("read", folder))?;
        paths.sort();
        for path in paths {
            let kind = fs::symlink_metadata(&path)
                .map_err(DataError::io("read", &path))?
                .file_type();
            if kind.is_dir() && depth < DEEPEST {
                self.folder(&path, depth + 1)?;
            } else if path.is_file() {
                self.file(&path, depth + 1)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, depth: usize) -> Result<(), DataError> {
        let file = File::open(path).map_err(DataError::io("open", path))?;
        if is_archive(path) {
            return self.archive(file, path, depth);
        }
        self.data(file, path, path).map(drop)
    }

    fn archive<R: Read + Seek>(
        &mut self,
        reader: R,
        path: &Path,
        depth: usize,
    ) -> Result<(), DataError> {
        let failed = |source| DataError::Archive {
            path: path.to_owned(),
            source: Box::new(source),
        };
        let mut archive = ZipArchive::new(reader).map_err(failed)?;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(failed)?;
            if !entry.is_file() {
                continue;
            }
            // This name is only shown and compared; the contents are written under the published name.
            let name = PathBuf::from(entry.name().map_err(failed)?.into_owned());
            let shown = PathBuf::from(format!("{}!{}", path.display(), name.display()));
            if is_archive(&name) && depth < DEEPEST {
                let inner = inner_archive(&mut entry, &shown)?;
                self.unpack(inner.len() as u64, &shown)?;
                self.archive(Cursor::new(inner), &shown, depth + 1)?;
            } else {
                let bytes = self.data(&mut entry, &name, &shown)?;
                self.unpack(bytes, &shown)?;
            }
        }
        Ok(())
    }

    /// Counts unpacked bytes, and fails beyond the size of any copy of the data set.
    fn unpack(&mut self, bytes: u64, shown: &Path) -> Result<(), DataError> {
        self.unpacked += bytes;
        if self.unpacked <= MOST_UNPACKED {
            return Ok(());
        }
        let problem = format!("it unpacks to more than {MOST_UNPACKED} bytes in all");
        Err(DataError::ArchiveTooLarge {
            path: shown.to_owned(),
            problem,
        })
    }

    /// Keeps a published file, refuses another file of that name and ignores the rest; returns the number of bytes read.
    fn data(&mut self, reader: impl Read, name: &Path, shown: &Path) -> Result<u64, DataError> {
        self.inspected += 1;
        if self.inspected > MOST_FILES {
            let problem = format!("it has more than {MOST_FILES} files");
            return Err(DataError::ArchiveTooLarge {
                path: shown.to_owned(),
                problem,
            });
        }
        let contents = read_up_to(reader, LARGEST_FILE).map_err(DataError::io("read", shown))?;
        let read = contents
            .as_ref()
            .map_or(LARGEST_FILE, |contents| contents.len() as u64);
        let digest = contents.as_deref().map(Digest::of);
        if let Some(contents) = contents
            && let Some(digest) = digest
            && let Some(name) = manifest::cmapss().with_digest(digest)
        {
            self.files.insert(name.to_owned(), contents);
            return Ok(read);
        }
        let name = name
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if let Some(published) = manifest::cmapss().named(name) {
            self.refused.push(RefusedFile {
                name: published.name.clone(),
                path: shown.to_owned(),
                expected: published.sha256,
                found: digest,
            });
        }
        Ok(read)
    }
}

fn is_archive(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

fn inner_archive(entry: impl Read, shown: &Path) -> Result<Vec<u8>, DataError> {
    let contents =
        read_up_to(entry, LARGEST_INNER_ARCHIVE).map_err(|error| DataError::Archive {
            path: shown.to_owned(),
            source: Box::new(ZipError::Io(error)),
        })?;
    contents.ok_or_else(|| DataError::ArchiveTooLarge {
        path: shown.to_owned(),
        problem: format!("it unpacks to more than {LARGEST_INNER_ARCHIVE} bytes"),
    })
}

/// Reads everything; returns `None` beyond `limit`, since the sizes that an archive declares are not trusted.
fn read_up_to(reader: impl Read, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut contents = Vec::new();
    reader.take(limit + 1).read_to_end(&mut contents)?;
    Ok((contents.len() as u64 <= limit).then_some(contents))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::data::tests::real_data;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, contents) in entries {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(contents).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    #[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
    fn installs_nasa_files_from_nested_archives_under_any_name() {
        let real = real_data();
        let (train, rul) = (
            fs::read(real.join("train_FD001.txt")).unwrap(),
            fs::read(real.join("RUL_FD001.txt")).unwrap(),
        );
        let inner = archive(&[
            ("CMAPSSData/train_FD001.txt", &train),
            ("x/renamed.dat", &rul),
            ("paper.pdf", b"%PDF"),
        ]);
        let outer = archive(&[
            ("6. Turbofan/CMAPSSData.zip", &inner),
            ("../../readme.txt", b"another readme"),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let (zip, into) = (
            folder.path().join("all.zip"),
            folder.path().join("datasets/cmapss"),
        );
        fs::write(&zip, outer).unwrap();

        let first = install(&zip, &into, false).unwrap();
        assert_eq!(first.installed, ["RUL_FD001.txt", "train_FD001.txt"]);
        assert_eq!(first.missing.len(), 10);
        assert_eq!(fs::read(into.join("train_FD001.txt")).unwrap(), train);

        fs::write(into.join("RUL_FD001.txt"), "damaged").unwrap();
        let refused = install(&zip, &into, false).unwrap_err();
        assert!(matches!(refused, DataError::InTheWay { .. }), "{refused}");
        assert_eq!(fs::read(into.join("RUL_FD001.txt")).unwrap(), b"damaged");
        let second = install(&zip, &into, true).unwrap();
        assert_eq!(
            (second.installed, second.already_there),
            (vec!["RUL_FD001.txt".into()], vec!["train_FD001.txt".into()])
        );
        assert_eq!(fs::read_dir(&into).unwrap().count(), 2);
    }

    #[test]
    #[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
    fn a_folder_of_nasa_files_may_be_installed_into_itself() {
        let real = real_data();
        let folder = tempfile::tempdir().unwrap();
        fs::copy(
            real.join("RUL_FD004.txt"),
            folder.path().join("RUL_FD004.txt"),
        )
        .unwrap();
        assert_eq!(
            install(folder.path(), folder.path(), false)
                .unwrap()
                .already_there,
            ["RUL_FD004.txt"]
        );
    }

    #[test]
    fn other_contents_under_a_published_name_are_refused_with_both_digests() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("into");
        fs::write(folder.path().join("TRAIN_fd001.txt"), "1 1 0\n").unwrap();
        let error = install(folder.path(), &into, false).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(&Digest::of("1 1 0\n").to_string()),
            "{message}"
        );
        assert!(
            message.contains("963b5e22825b34d8b21c69e1aeb4af3e647050eb672ee8834ba4b5d91d2de0f8"),
            "{message}"
        );
        assert!(error.hint().is_some() && !into.exists());
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("bomb.zip");
        let zeros = vec![0; LARGEST_FILE as usize + 1];
        fs::write(&zip, archive(&[("train_FD001.txt", &zeros)])).unwrap();
        let error = install(&zip, &folder.path().join("into"), false).unwrap_err();
        assert!(
            matches!(&error, DataError::Refused { refused, .. } if refused[0].found.is_none()),
            "{error}"
        );
    }

    #[test]
    fn nested_archives_are_not_unpacked_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let zip = folder.path().join("nested.zip");
        let zeros = vec![0; LARGEST_FILE as usize - 1];
        let names: Vec<_> = (0..6).map(|number| format!("{number}.dat")).collect();
        let files: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| (name.as_str(), zeros.as_slice()))
            .collect();
        let inner = archive(&files);
        let names: Vec<_> = (0..6).map(|number| format!("{number}.zip")).collect();
        let archives: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| (name.as_str(), inner.as_slice()))
            .collect();
        fs::write(&zip, archive(&archives)).unwrap();
        let error = install(&zip, &folder.path().join("into"), false).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("unpacks to more than 536870912 bytes in all"),
            "{error}"
        );
    }

    #[test]
    fn unusable_sources_have_different_errors() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("into");
        assert!(matches!(
            install(folder.path(), &into, false),
            Err(DataError::NothingToInstall(_))
        ));
        assert!(matches!(
            install(&folder.path().join("none"), &into, false),
            Err(DataError::Io { .. })
        ));
        let zip = folder.path().join("broken.zip");
        fs::write(&zip, "PK nothing").unwrap();
        assert!(matches!(
            install(&zip, &into, false),
            Err(DataError::Archive { .. })
        ));
    }
}
