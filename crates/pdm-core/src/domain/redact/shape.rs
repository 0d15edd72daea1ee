//! Secrets that are recognised by their form: tokens of well-known services, and private keys.

use std::sync::LazyLock;

use regex::Regex;

use super::ByteSpan;

static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    let forms = [
        r"gh[opsur]_[A-Za-z0-9]{16,}",
        r"github_pat_[A-Za-z0-9_]{20,}",
        r"glpat-[A-Za-z0-9_\-]{16,}",
        r"xox[a-z]-[A-Za-z0-9\-]{10,}",
        r"(?:AKIA|ASIA)[A-Z0-9]{16}",
        // A signed JSON Web Token.
        r"eyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?",
        r"AIza[A-Za-z0-9_\-]{30,}",
        r"ya29\.[A-Za-z0-9_\-]{20,}",
        r"hf_[A-Za-z0-9]{20,}",
        r"npm_[A-Za-z0-9]{30,}",
        r"dapi[0-9a-f]{32}",
        r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}",
    ];
    let pattern = format!(
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)|\b(?:{})",
        forms.join("|")
    );
    Regex::new(&pattern).expect("the patterns above are well-formed")
});

/// Finds tokens and private keys.
pub(super) fn tokens(text: &str, found: &mut Vec<ByteSpan>) {
    found.extend(
        TOKEN
            .find_iter(text)
            .map(|token| (token.start(), token.end())),
    );
}
