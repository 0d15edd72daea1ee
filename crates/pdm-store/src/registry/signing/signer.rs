//! Secret keys, and signing with them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;

use super::{PublicKey, Signature};
use crate::registry::RegistryError;
use crate::registry::entry::LogEntry;
use crate::registry::manifest::ModelVersion;
use pdm_core::domain::EnvLookup;

/// Holds a secret key itself, as the text of its PEM file.
pub(crate) const KEY: &str = "PDM_ML_SIGNING_KEY";
/// Names the PEM file of a secret key.
const FILE: &str = "PDM_ML_SIGNING_KEY_FILE";

/// How long to wait for a key from a pipe; a command that gets it from a server takes some seconds.
const PIPE_TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// Most bytes read of a key's file; a key has some hundred.
const MAX_FILE: u64 = 1 << 20;

/// DER header before the 32 bytes of a secret key (PKCS#8, RFC 8410).
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Holds a secret key, and signs with it. Its debug form shows the public half only.
#[derive(Debug, Clone)]
pub struct Signer(Arc<Ed25519KeyPair>);

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewKey {
    /// File of the secret half, readable by its owner only.
    pub secret_file: PathBuf,
    /// File of the public half.
    pub public_file: PathBuf,
    /// The public half, as a policy names it.
    pub public: PublicKey,
}

impl Signer {
    /// Returns the signer from the environment; `None` if neither variable is set.
    ///
    /// # Errors
    /// [`RegistryError::SigningKey`] if the file cannot be read, is readable by others, or holds no Ed25519 key.
    pub fn find(variable: EnvLookup<'_>) -> Result<Option<Self>, RegistryError> {
        if let Some(pem) = variable(KEY) {
            return Self::parse(KEY, pem.as_bytes()).map(Some);
        }
        let Some(path) = variable(FILE) else {
            return Ok(None);
        };
        let pem = read_private(Path::new(&path)).map_err(|what| unusable(&path, what))?;
        Self::parse(&path, &pem).map(Some)
    }

    /// Reads a secret key from the text of a PEM file, such as OpenSSL and [`Self::generate`] write.
    fn parse(location: &str, pem: &[u8]) -> Result<Self, RegistryError> {
        // The parser's message is not shown: it could reveal parts of the key.
        let no_key = || {
            unusable(
                location,
                "it holds no Ed25519 key in PKCS#8 (`BEGIN PRIVATE KEY`)",
            )
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|_| no_key())?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der())
            .map_err(|_| no_key())?;
        Ok(Self(Arc::new(pair)))
    }

    /// Makes a key: the secret half in `secret_file`, the public half in the same path with `.pub` appended.
    ///
    /// # Errors
    /// [`RegistryError::File`] if one of the files exists (it is never overwritten) or cannot be written.
    pub fn generate(secret_file: &Path) -> Result<NewKey, RegistryError> {
        let mut seed = [0; 32];
        let unmade = |_| {
            unusable(
                &secret_file.display().to_string(),
                "the system provides no random numbers",
            )
        };
        SystemRandom::new().fill(&mut seed).map_err(unmade)?;
        let body = BASE64_STANDARD.encode([&PKCS8[..], &seed].concat());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let public = Self::parse("the new key", pem.as_bytes())?.public();
        let public_file = PathBuf::from(format!("{}.pub", secret_file.display()));
        if public_file.exists() {
            return Err(unwritten(&public_file)(io::ErrorKind::AlreadyExists.into()));
        }
        write_new(secret_file, 0o600, &pem).map_err(unwritten(secret_file))?;
        write_new(&public_file, 0o644, &public.pem()).map_err(unwritten(&public_file))?;
        Ok(NewKey {
            secret_file: secret_file.to_owned(),
            public_file,
            public,
        })
    }

    /// Returns the public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(
            self.0
                .public_key()
                .as_ref()
                .try_into()
                .expect("an Ed25519 key has 32 bytes"),
        )
    }

    fn sign(&self, message: &[u8]) -> Signature {
        Signature::new(self.public(), self.0.sign(message).as_ref())
    }

    pub(in crate::registry) fn sign_entry(&self, entry: &mut LogEntry) {
        entry.signature = Some(self.sign(&entry.message()));
    }

    /// Signs a version, unless it has a signature by this key.
    pub(in crate::registry) fn sign_version(&self, version: &mut ModelVersion) {
        if !version
            .signatures
            .iter()
            .any(|signature| signature.key == self.public())
        {
            version.signatures.push(self.sign(&version.message()));
        }
    }
}

fn unusable(location: &str, what: impl Into<String>) -> RegistryError {
    RegistryError::SigningKey {
        location: location.to_owned(),
        what: what.into(),
    }
}

fn unwritten(path: &Path) -> impl Fn(io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError::File {
        operation: "write",
        path: path.clone(),
        source,
    }
}

/// Reads a file that only its owner may read. A pipe such as `<(command)` is read in a thread with a time limit, because a
/// blocked read would ignore signals.
fn read_private(path: &Path) -> Result<Vec<u8>, String> {
    let kind = fs::metadata(path)
        .map_err(|error| error.to_string())?
        .file_type();
    if kind.is_file() {
        return read_checked(path);
    }
    if kind.is_dir() {
        return Err("it is a folder, not a file".to_owned());
    }
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    // If nothing is written to the pipe, the thread stays until the program ends.
    thread::spawn(move || sender.send(read_checked(&path)));
    receiver.recv_timeout(PIPE_TIMEOUT).unwrap_or_else(|_| {
        let seconds = PIPE_TIMEOUT.as_secs();
        Err(format!(
            "no key was written to the pipe within {seconds} seconds: name a file, or set {KEY} to the key"
        ))
    })
}

/// Reads a file that only its owner may read. The permissions of the open file are checked.
fn read_checked(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file
            .metadata()
            .map_err(|error| error.to_string())?
            .permissions()
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(format!(
                "others may read or write it (mode {mode:03o}); run `chmod 600` on it"
            ));
        }
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn write_new(path: &Path, mode: u32, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret key of RFC 8410, section 10.3, and the public key of section 10.1 that belongs to it.
    const SECRET: &str = concat!(
        "-----BEGIN PRIVATE KEY-----\n",
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n",
        "-----END PRIVATE KEY-----\n",
    );
    const PUBLIC: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

    fn find(name: &'static str, value: &str) -> Result<Option<Signer>, RegistryError> {
        Signer::find(&|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn the_key_of_the_rfc_signs() {
        let signer = find(KEY, SECRET).unwrap().unwrap();
        assert_eq!(signer.public().to_string(), PUBLIC);
        let signature = signer.sign(b"message");
        assert!(signature.is_valid_for(b"message") && !signature.is_valid_for(b"massage"));
        assert!(
            !Signature {
                value: "no base64".to_owned(),
                ..signature
            }
            .is_valid_for(b"message")
        );
        assert!(!format!("{signer:?}").contains("1O5y"), "{signer:?}");
        assert!(Signer::find(&|_| None).unwrap().is_none());
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        for text in [
            "",
            "secret-word",
            &SECRET.replace("PRIVATE", "PUBLIC"),
            &SECRET.replace("MC4C", "MC4D"),
        ] {
            let error = find(KEY, text).unwrap_err().to_string();
            assert!(
                error.contains(KEY) && !error.contains("secret-word") && !error.contains("INTu"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_new_key_is_its_owners_alone_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ci");
        let made = Signer::generate(&path).unwrap();
        let found = find(FILE, path.to_str().unwrap()).unwrap().unwrap();
        assert_eq!(found.public(), made.public);
        assert_eq!(
            fs::read_to_string(&made.public_file).unwrap(),
            made.public.pem()
        );
        assert_ne!(
            Signer::generate(&folder.path().join("other"))
                .unwrap()
                .public,
            made.public
        );
        assert!(matches!(
            Signer::generate(&path),
            Err(RegistryError::File { .. })
        ));
        fs::remove_file(&path).unwrap();
        assert!(
            Signer::generate(&path).is_err(),
            "the file already holds the public half of another key"
        );
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_read_and_not_waited_for_without_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ci");
        assert!(
            std::process::Command::new("mkfifo")
                .arg("-m600")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        let named = path.to_str().unwrap();
        let error = find(FILE, named).unwrap_err().to_string();
        assert!(error.contains("the pipe") && error.contains(KEY), "{error}");
        let other = folder.path().join("other");
        assert!(
            std::process::Command::new("mkfifo")
                .arg("-m600")
                .arg(&other)
                .status()
                .unwrap()
                .success()
        );
        let named = other.to_str().unwrap().to_owned();
        let writer = thread::spawn(move || fs::write(other, SECRET));
        assert_eq!(
            find(FILE, &named).unwrap().unwrap().public().to_string(),
            PUBLIC
        );
        writer.join().unwrap().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ci");
        Signer::generate(&path).unwrap();
        for (mode, is_good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                find(FILE, path.to_str().unwrap()).is_ok(),
                is_good,
                "{mode:o}"
            );
        }
    }
}
