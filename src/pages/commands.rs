//! Commands that put an AuthID into other programs, for a POSIX shell.

use serde_json::json;

/// What a command needs to know.
pub struct Login<'a> {
    /// Id of the service.
    pub service: &'a str,
    /// The token endpoint.
    pub token_url: &'a str,
    /// The AuthID.
    pub authid: &'a str,
}

impl Login<'_> {
    /// Makes an rclone remote that refreshes here. rclone keeps each newer AuthID in
    /// its configuration by itself.
    pub fn rclone<'o>(
        &self,
        backend: &str,
        options: impl IntoIterator<Item = (&'o String, &'o String)>,
    ) -> String {
        // rclone reads a token without an access token as one of its old ones, and
        // refreshes what has expired.
        let token = json!({
            "access_token": "expired",
            "token_type": "Bearer",
            "refresh_token": self.authid,
            "expiry": "2000-01-01T00:00:00Z",
        });
        let mut words = vec!["rclone", "config", "create", self.service, backend]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        words.extend(
            options
                .into_iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        words.push(format!("token_url={}", self.token_url));
        // It asks nobody to log in: there is a token.
        words.push("config_refresh_token=false".to_owned());
        words.push(format!("token={token}"));
        in_shell(&words)
    }

    /// Puts the AuthID into a file, so that no list of processes shows it, and gets an
    /// access token for it.
    pub fn curl(&self) -> String {
        let keep = in_shell(&["printf", "%s", self.authid]);
        let get = in_shell(&["curl", "-sS", self.token_url]);
        format!(
            "umask 077\n{keep} > authid\n{get} -d grant_type=refresh_token \
             --data-urlencode refresh_token@authid"
        )
    }
}

fn in_shell(words: &[impl AsRef<str>]) -> String {
    let words = words.iter().map(AsRef::as_ref);
    shlex::try_join(words).expect("no address and no AuthID holds a NUL")
}
