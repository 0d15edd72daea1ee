use std::fmt;

/// A text that must not be shown: its debug form is `***`, and it has no other.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text; blanks around it, such as a trailing newline, are dropped.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How a client says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// It does not.
    Anonymous,
    /// With `Authorization: Bearer`.
    Token(Secret),
    /// With `Authorization: Basic`.
    Password {
        /// Name of the user.
        username: String,
        /// The user's password.
        password: Secret,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_shows() {
        let password = Secret::new("hunter2\n");
        assert_eq!(password.expose(), "hunter2");
        let credentials = Credentials::Password { username: "ann".into(), password };
        assert!(!format!("{credentials:?} {:#?}", Credentials::Token(Secret::new("hunter2"))).contains("hunter2"));
    }
}
