//! Tests of the commands, as a shell reads them.

use super::*;

#[test]
fn each_value_in_a_command_is_one_word_of_it() {
    let login = ClientCommands {
        service: "of-mine",
        token_url: "https://auth.example/it's/token",
        authid: "v2:of-mine:e..$(x)`y`",
    };
    let options = [("scope".to_owned(), "a 'b' \"c\"".to_owned())];
    let options = options.iter().map(|(name, value)| (name, value));
    let command = login.rclone("google photos", options);
    let words = shlex::split(&command).unwrap();
    let expected = [
        "rclone",
        "config",
        "create",
        "of-mine",
        "google photos",
        "scope=a 'b' \"c\"",
        "client_id=authseal",
        "auth_url=https://auth.example/it's/?type=of-mine",
        "token_url=https://auth.example/it's/token",
        "config_refresh_token=false",
    ];
    assert_eq!(words[..10], expected);
    let token = words[10].strip_prefix("token=").unwrap();
    let token: serde_json::Value = serde_json::from_str(token).unwrap();
    assert_eq!(token["refresh_token"], login.authid);
    let own_client = [("client_id".to_owned(), "own".to_owned())];
    let own_client = own_client.iter().map(|(name, value)| (name, value));
    let command = login.rclone("drive", own_client);
    assert_eq!(command.matches("client_id=").count(), 1, "{command}");
    let script = login.curl();
    let words: Vec<_> = script
        .lines()
        .map(|line| shlex::split(line).unwrap())
        .collect();
    assert_eq!(words[1], ["printf", "%s", login.authid, ">", "authid"]);
    assert_eq!(words[2][2], login.token_url);
}

#[test]
fn a_short_command_has_the_file_in_place_of_the_authid() {
    let login = ClientCommands {
        service: "of-mine",
        token_url: "https://auth.example/token",
        authid: "v2:of-mine:e..x",
    };
    let options = [("scope".to_owned(), "a 'b'".to_owned())];
    let options = || options.iter().map(|(name, value)| (name, value));
    let whole = shlex::split(&login.rclone("drive", options())).unwrap();
    let short = login.rclone_with_file("drive", options());
    let short = short.strip_prefix("authid=$(cat authid) && ").unwrap();
    assert!(short.contains("'\"${authid:?}\"'"), "{short}");
    let short = short.replace("${authid:?}", login.authid);
    assert_eq!(shlex::split(&short).unwrap(), whole);
    let script = login.curl();
    let short = login.curl_with_file();
    let short = short.strip_prefix(": < authid && ").unwrap();
    assert!(script.ends_with(&format!("\n{short}")), "{script}");
    assert!(!login.curl_with_file().contains(login.authid));
}

/// Such a remote could never refresh, and rclone would say that it was made.
#[test]
fn a_short_command_does_nothing_without_the_file_or_with_an_empty_one() {
    let login = ClientCommands {
        service: "of-mine",
        token_url: "https://auth.example/token",
        authid: "v2:of-mine:e..x",
    };
    let no_options = std::iter::empty::<(&String, &String)>();
    let rclone = login.rclone_with_file("drive", no_options);
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| {
        let programs = "rclone() { echo \"$@\"; }; curl() { echo \"$@\"; }";
        let mut sh = std::process::Command::new("sh");
        sh.current_dir(folder.path());
        sh.args(["-c", &format!("{programs}; {command}")]);
        let output = sh.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.success(), output.stderr.is_empty());
        (output.status.success(), said)
    };
    for command in [&rclone, &login.curl_with_file()] {
        assert_eq!(run(command), (false, String::new()), "{command}");
    }
    let file = folder.path().join("authid");
    std::fs::write(&file, "").unwrap();
    assert_eq!(run(&rclone), (false, String::new()));
    std::fs::write(&file, format!("{}\n", login.authid)).unwrap();
    let (done, said) = run(&rclone);
    let token = format!(r#""refresh_token":"{}""#, login.authid);
    assert!(done && said.contains(&token), "{said}");
    assert!(run(&login.curl_with_file()).0);
}
