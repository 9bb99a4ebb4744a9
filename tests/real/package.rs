//! The Debian package: built, installed on this system by dpkg, started as its unit says,
//! upgraded, removed and purged.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::Stdio,
};

use tokio::process::Command;

use crate::support::{eventually, free_port};

const SETTINGS: &str = "/etc/authseal/authseal.env";
const UNIT: &str = "/usr/lib/systemd/system/authseal.service";
const DROP_IN: &str = "/usr/lib/systemd/system/authseal.service.d/10-static-user.conf";
const STATE: &str = "/var/lib/authseal";

/// Runs a shell's script, and returns what it printed.
async fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-euc", script]).output();
    let output = output.await.unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{script}: {out}{err}");
    out
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Makes what goes into the package: the program of these tests, its manual pages and its
/// completions.
async fn prepare() {
    let program = env!("CARGO_BIN_EXE_authseal");
    sh(&format!(
        "mkdir -p {ROOT}/target/tests-package/release
         strip -o {ROOT}/target/tests-package/release/authseal {program}
         {ROOT}/deploy/debian/generate {program}"
    ))
    .await;
}

/// Builds the package of a version. A debug build is large: gzip takes a third of the time
/// that xz takes.
async fn package(version: &str) -> String {
    let folder = format!("{ROOT}/target/tests-package");
    let deb = format!("{folder}/authseal_{version}.deb");
    sh(&format!(
        "cd {ROOT}
         export CARGO_TARGET_DIR={folder} PATH=\"{ROOT}/target/tests-tools/bin:$PATH\"
         cargo deb --quiet --no-build --no-strip --fast --compress-type gz --compress-system \
             --deb-version {version} --output {deb}"
    ))
    .await;
    deb
}

/// The lines of a unit that set `name`, which may stand more than once.
fn unit_lines(name: &str) -> Vec<String> {
    let unit = fs::read_to_string(UNIT).unwrap() + &fs::read_to_string(DROP_IN).unwrap();
    let lines = unit.lines().filter_map(|line| line.strip_prefix(name));
    lines
        .map(|line| line.trim_start_matches('=').to_owned())
        .collect()
}

fn mode_and_owner(path: &str) -> (u32, u32, u32) {
    let about = fs::metadata(path).unwrap();
    (
        about.permissions().mode() & 0o7777,
        about.uid(),
        about.gid(),
    )
}

#[tokio::test]
async fn the_debian_package_is_installed_started_upgraded_and_purged() {
    if !rustix::process::geteuid().is_root() || Path::new(UNIT).exists() {
        eprintln!("skipped: it needs root, and a system without the package");
        return;
    }
    prepare().await;
    let first = package("0.0.1-1").await;
    let said = sh(&format!("dpkg --install {first}")).await;
    assert!(said.contains(&format!("fill in {SETTINGS}")), "{said}");
    let number = |flag| async move {
        sh(&format!("id {flag} authseal"))
            .await
            .trim()
            .parse()
            .unwrap()
    };
    let (uid, gid): (u32, u32) = (number("-u").await, number("-g").await);
    assert_eq!(mode_and_owner("/etc/authseal"), (0o750, 0, gid));
    assert_eq!(mode_and_owner(SETTINGS), (0o640, 0, gid));
    assert_eq!(mode_and_owner(STATE), (0o700, uid, gid));
    sh("man --warnings --where authseal authseal-keys-new || test ! -x /usr/bin/man").await;
    sh("bash -n /usr/share/bash-completion/completions/authseal").await;
    let complaints = sh(&format!("systemd-analyze verify --man=no {UNIT} 2>&1")).await;
    assert_eq!(complaints, "");

    let admin = format!("127.0.0.1:{}", free_port());
    let mut settings = filled_in(&fs::read_to_string(SETTINGS).unwrap());
    settings += &format!("AUTHSEAL_LISTEN=127.0.0.1:0\nAUTHSEAL_ADMIN_LISTEN={admin}\n");
    fs::write(SETTINGS, &settings).unwrap();
    start_as_the_unit_does(uid, gid).await;
    caddy_gets_its_file_as_readme_says().await;
    let keys = format!("{STATE}/keys");
    assert_eq!(mode_and_owner(&keys), (0o700, uid, gid));

    // In the wrong folder, without the service's settings
    let said = sh("cd / && authseal keys new 2>&1 || true").await;
    assert!(said.contains("authseal-as-service"), "{said}");
    assert!(!Path::new("/keys").exists());

    let second = package("0.0.2-1").await;
    let said = sh(&format!("dpkg --install {second}")).await;
    assert!(!said.contains("fill in"), "{said}");
    assert_eq!(fs::read_to_string(SETTINGS).unwrap(), settings);
    assert_eq!(mode_and_owner(SETTINGS), (0o640, 0, gid));
    start_as_the_unit_does(uid, gid).await;

    sh("dpkg --remove authseal").await;
    assert_eq!(fs::read_to_string(SETTINGS).unwrap(), settings);
    let last_words = sh("dpkg --purge authseal").await;
    assert!(!Path::new(SETTINGS).exists());
    assert!(Path::new(&keys).exists());
    let removal = last_words
        .lines()
        .find(|line| line.contains("rm -rf"))
        .unwrap();
    sh(removal.split_once(": ").unwrap().1).await;
    assert!(!Path::new(STATE).exists() && !Path::new("/etc/authseal").exists());
    assert!(
        !sh("getent passwd authseal || true")
            .await
            .contains("authseal")
    );
}

/// The settings as a new user fills them in: the first four lines that are no comments.
fn filled_in(settings: &str) -> String {
    let mut values = [
        ("AUTHSEAL_PUBLIC_URL=", "https://auth.example.com"),
        ("GD_CLIENT_ID=", "id"),
        ("GD_CLIENT_SECRET=", "never-print-secret"),
        ("AUTHSEAL_LOGIN_PASSWORD=", "never-print-password"),
    ]
    .into_iter();
    let lines = settings.lines().map(|line| {
        let value = match line.is_empty() || line.starts_with('#') {
            true => None,
            false => values.next(),
        };
        let value = value.map_or("", |(empty, value)| {
            assert_eq!(line, empty);
            value
        });
        format!("{line}{value}\n")
    });
    lines.collect()
}

/// Runs README's line that writes Caddy's file, into another file, which Caddy then reads.
async fn caddy_gets_its_file_as_readme_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Caddyfile");
    let file = file.to_str().unwrap();
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let mut lines = readme.lines();
    let line = lines
        .find(|line| line.contains("| sudo install") && line.contains("/etc/caddy/Caddyfile"))
        .unwrap();
    fs::write(file, "another site").unwrap();
    let line = line.replace("| sudo", "|");
    sh(&line.replace("/etc/caddy/Caddyfile", file)).await;
    let before = fs::read_to_string(format!("{file}.before")).unwrap();
    assert_eq!(before, "another site");
    let written = fs::read_to_string(file).unwrap();
    assert!(written.contains("\nauth.example.com {\n"), "{written}");
    sh(&format!(
        "caddy validate --config {file} --adapter caddyfile 2>&1"
    ))
    .await;
}

/// Starts the service with the unit's user, environment and command, waits until it is ready,
/// and stops it.
async fn start_as_the_unit_does(uid: u32, gid: u32) {
    let command = unit_lines("ExecStart").pop().unwrap();
    let settings = fs::read_to_string(SETTINGS).unwrap();
    let environment: Vec<_> = unit_lines("Environment")
        .into_iter()
        .chain(settings.lines().map(str::to_owned))
        .filter(|line| !line.starts_with('#') && line.contains('='))
        .collect();
    assert_eq!(unit_lines("EnvironmentFile"), [SETTINGS]);
    assert_eq!(unit_lines("User"), ["authseal"]);
    let as_user = |words: &str| {
        let mut command = Command::new("setpriv");
        let user = [format!("--reuid={uid}"), format!("--regid={gid}")];
        command
            .args(user)
            .args(["--clear-groups", "--no-new-privs", "env", "-i"]);
        command
            .arg("PATH=/usr/local/bin:/usr/bin")
            .args(&environment);
        command
            .args(words.split(' '))
            .current_dir("/")
            .kill_on_drop(true);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let mut service = as_user(&command).spawn().unwrap();
    eventually("it is ready", async || {
        assert_eq!(service.try_wait().unwrap(), None, "it has ended");
        let health = as_user("authseal health").status().await.unwrap();
        health.success().then_some(())
    })
    .await;
    let pid = service.id().unwrap();
    sh(&format!("kill -TERM {pid}")).await;
    assert!(service.wait().await.unwrap().success());
}
