//! Commands for a POSIX shell that use an AuthID in other programs.

use serde_json::json;

/// The values that commands contain.
pub struct ClientCommands<'a> {
    /// Id of the service, which becomes the name of the rclone remote.
    pub service: &'a str,
    /// URL of the token endpoint of this server.
    pub token_url: &'a str,
    /// The AuthID.
    pub authid: &'a str,
}

impl ClientCommands<'_> {
    /// Returns the command that makes an rclone remote which refreshes at this server.
    /// rclone itself keeps each newer AuthID in its configuration.
    pub fn rclone<'o>(
        &self,
        backend: &str,
        options: impl IntoIterator<Item = (&'o String, &'o String)>,
    ) -> String {
        let mut words = self.rclone_words(backend, options);
        words.push(format!("token={}", expired_token(self.authid)));
        in_shell(&words)
    }

    /// Returns the same command, which reads the AuthID from the file `authid`: short enough
    /// for a phone, and without a secret in the shell's history. Without the file, or with an
    /// empty one, it makes no remote: that one could never refresh.
    pub fn rclone_with_file<'o>(
        &self,
        backend: &str,
        options: impl IntoIterator<Item = (&'o String, &'o String)>,
    ) -> String {
        let words = in_shell(&self.rclone_words(backend, options));
        let token = expired_token("AUTHID");
        let (before, after) = token.split_once("AUTHID").expect("it was put there");
        format!("authid=$(cat authid) && {words} 'token={before}'\"${{authid:?}}\"'{after}'")
    }

    fn rclone_words<'o>(
        &self,
        backend: &str,
        options: impl IntoIterator<Item = (&'o String, &'o String)>,
    ) -> Vec<String> {
        let mut words = vec!["rclone", "config", "create", self.service, backend]
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let options: Vec<_> = options.into_iter().collect();
        words.extend(
            options
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        // Without a client id rclone says that its own is being retired. Here any will do.
        if options.iter().all(|(name, _)| *name != "client_id") {
            words.push("client_id=authseal".to_owned());
        }
        // `rclone config reconnect` opens it in a browser.
        words.push(format!("auth_url={}", self.start_page()));
        words.push(format!("token_url={}", self.token_url));
        // Keeps rclone from starting a login: the token is here already.
        words.push("config_refresh_token=false".to_owned());
        words
    }

    /// Returns the URL of the start page, where a new login begins.
    fn start_page(&self) -> String {
        let base = self.token_url.strip_suffix("token");
        let id = form_urlencoded::byte_serialize(self.service.as_bytes());
        let id: String = id.collect();
        format!("{}?type={id}", base.unwrap_or(self.token_url))
    }

    /// Returns the commands that get an access token with curl. The AuthID is put into a
    /// file, so that no list of processes shows it.
    pub fn curl(&self) -> String {
        let keep = in_shell(&["printf", "%s", self.authid]);
        format!("umask 077\n{keep} > authid\n{}", self.refresh_by_file())
    }

    /// Returns the command that gets an access token for the AuthID in the file `authid`. It
    /// fails without the file, where older curls send an empty AuthID.
    pub fn curl_with_file(&self) -> String {
        format!(": < authid && {}", self.refresh_by_file())
    }

    fn refresh_by_file(&self) -> String {
        let get = in_shell(&["curl", "-sS", self.token_url]);
        format!("{get} -d grant_type=refresh_token --data-urlencode refresh_token@authid")
    }
}

/// Returns a token in rclone's form. rclone takes a token without an access token for one of its
/// old format; an expired one makes it refresh.
fn expired_token(authid: &str) -> String {
    let token = json!({
        "access_token": "expired",
        "token_type": "Bearer",
        "refresh_token": authid,
        "expiry": "2000-01-01T00:00:00Z",
    });
    token.to_string()
}

/// Returns the command that fetches an AuthID by a one-time code from this URL. If the code is
/// of no use it prints nothing that a file could take for an AuthID, and fails.
pub fn collect_command(url: &str, code: &str) -> String {
    // A code has letters, digits and hyphens only.
    format!("{} -d code={code}", in_shell(&["curl", "-fsS", url]))
}

fn in_shell(words: &[impl AsRef<str>]) -> String {
    let words = words.iter().map(AsRef::as_ref);
    shlex::try_join(words).expect("no address and no AuthID holds a NUL")
}

#[cfg(test)]
mod tests;
