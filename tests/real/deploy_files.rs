//! Every file in deploy/ is read by the program that it is for.

use std::{collections::BTreeSet, env, fs, path::Path};

use tempfile::TempDir;

use crate::support::shell;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const CADDY: [&str; 5] = [
    "caddy/Caddyfile",
    "caddy/basic-auth.caddyfile",
    "caddy/forward-auth.caddyfile",
    "caddy/prefix.caddyfile",
    "replicas/Caddyfile",
];
const NGINX: [&str; 5] = [
    "nginx/authseal.conf",
    "nginx/basic-auth.conf",
    "nginx/prefix.conf",
    "nginx/snippets/authseal.conf",
    "replicas/nginx.conf",
];
const SYSTEMD: [&str; 5] = [
    "systemd/authseal.service",
    "systemd/authseal.socket",
    "systemd/authseal.service.d/credentials.conf",
    "systemd/authseal.service.d/socket.conf",
    "debian/static-user.conf",
];
const PROMETHEUS: [&str; 2] = ["prometheus/prometheus.yaml", "prometheus/alerts.yaml"];
const REDIS: [&str; 2] = ["replicas/valkey.conf", "kubernetes/valkey/valkey.conf"];
const COMPOSE: [&str; 3] = [
    "compose/compose.yaml",
    "compose/monitoring.yaml",
    "replicas/compose.yaml",
];
const SCRIPTS: [&str; 6] = [
    "build-with-profile",
    "release",
    "debian/generate",
    "debian/postinst",
    "debian/postrm",
    "systemd/authseal-as-service",
];

/// What none of the programs above reads: a folder or a file, and the reason.
const OTHERS: [(&str, &str); 6] = [
    (
        "debian/settings",
        "tests/real/package.rs installs it, and starts with it",
    ),
    (
        "grafana/authseal.json",
        "tests/it/monitoring.rs reads it; Grafana cannot be installed here",
    ),
    (
        "grafana/provisioning/",
        "Grafana is in neither Debian, PyPI nor npm",
    ),
    (
        "helm/",
        "tests/real/chart.rs renders it; Helm is in neither Debian, PyPI nor npm: the release runs it",
    ),
    (
        "kubernetes/",
        "neither kubectl nor kubeconform is in Debian, PyPI or npm",
    ),
    ("traefik/", "Traefik is in neither Debian, PyPI nor npm"),
];

/// Adds every file below the folder, except pages for people and what git reads.
fn files(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
            continue;
        }
        let name = path.strip_prefix(format!("{ROOT}/deploy")).unwrap();
        let name = name.to_str().unwrap();
        if !name.ends_with(".md") && !name.ends_with(".gitignore") {
            found.insert(name.to_owned());
        }
    }
}

#[test]
fn every_file_is_read_or_has_a_reason_why_not() {
    let mut found = BTreeSet::new();
    files(&Path::new(ROOT).join("deploy"), &mut found);
    let read: [&[&str]; 7] = [
        &CADDY,
        &NGINX,
        &SYSTEMD,
        &PROMETHEUS,
        &REDIS,
        &COMPOSE,
        &SCRIPTS,
    ];
    for name in read.concat() {
        assert!(found.remove(name), "{name} is gone");
    }
    for (start, _) in OTHERS {
        let before = found.len();
        found.retain(|name| !name.starts_with(start));
        assert!(found.len() < before, "{start} is gone");
    }
    assert!(found.is_empty(), "nothing reads {found:?}");
}

/// Runs a script with an empty folder for each of the files, and fails with what it printed.
/// `$FILE` is the file, in the folder `$DEPLOY`, and `$TMP` the empty folder.
async fn each(files: &[&str], prepare: impl Fn(&Path), script: &str) {
    for file in files {
        let folder = TempDir::new().unwrap();
        prepare(folder.path());
        let tmp = folder.path().to_str().unwrap();
        let environment: [(&str, &str); 5] = [
            ("FILE", *file),
            ("DEPLOY", &format!("{ROOT}/deploy")),
            ("TMP", tmp),
            ("HOME", tmp),
            (
                "PYTHON",
                &env::var("AUTHSEAL_TEST_PYTHON").unwrap_or_default(),
            ),
        ];
        let script = format!("set -eu; cd \"$DEPLOY\"; exec 2>&1; {script}");
        let output = shell(&script, &environment).await;
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{file}: {said}");
    }
}

fn nothing(_: &Path) {}

/// The files say that the global block of the first one belongs to each.
#[tokio::test]
async fn caddy_reads_its_files() {
    let script = r#"
        export LOGIN_USER=alice
        export LOGIN_PASSWORD_HASH='$2b$04$pka8AWQcF.MEu8.6RUS.s./BoUveyt51PZrCjMl8GEFWrLzhaAJMC'
        case $FILE in
            *.caddyfile) sed '/^{\$AUTHSEAL_HOST/,$d' caddy/Caddyfile ;;
        esac >"$TMP/Caddyfile"
        cat "$FILE" >>"$TMP/Caddyfile"
        caddy validate --adapter caddyfile --config "$TMP/Caddyfile""#;
    each(&CADDY, nothing, script).await;
}

/// With a certificate, ports that need no privilege, and names that are known here.
#[tokio::test]
async fn nginx_reads_its_files() {
    let certificate = |folder: &Path| {
        let names = vec!["auth.example.com".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        fs::create_dir_all(folder.join("certs")).unwrap();
        let write = |name: &str, pem: String| fs::write(folder.join("certs").join(name), pem);
        write("fullchain.pem", made.cert.pem()).unwrap();
        write("privkey.pem", made.signing_key.serialize_pem()).unwrap();
    };
    let script = r#"
        here() {
            sed -E "s#/(etc|var/log)/nginx#$TMP#; /listen \[::\]/d
                    s/listen (80|443)/listen 18\1/; s/authseal-[12]:/127.0.0.1:/" "$1"
        }
        mkdir "$TMP/snippets"
        here nginx/snippets/authseal.conf >"$TMP/snippets/authseal.conf"
        case $FILE in
            nginx/*)
                here "$FILE" >"$TMP/site.conf"
                echo "events {} http { include $TMP/site.conf; }" ;;
            *) here "$FILE" ;;
        esac >"$TMP/nginx.conf"
        nginx -t -q -e "$TMP/error.log" -p "$TMP" -c "$TMP/nginx.conf" -g "pid $TMP/pid;""#;
    let all = NGINX.iter().filter(|name| !name.contains("snippets"));
    each(&all.copied().collect::<Vec<_>>(), certificate, script).await;
}

/// Together, as they are installed; it complains in words and succeeds nevertheless.
#[tokio::test]
async fn systemd_reads_its_files() {
    let script = r#"
        cp -R systemd/authseal.service.d debian/static-user.conf "$TMP"
        mv "$TMP/static-user.conf" "$TMP/authseal.service.d"
        sed "s#^ExecStart=authseal#ExecStart=$AUTHSEAL#" systemd/authseal.service >"$TMP/authseal.service"
        cp systemd/authseal.socket "$TMP"
        complaints=$(systemd-analyze verify --man=no "$TMP/authseal.service" "$TMP/authseal.socket" 2>&1) ||
            complaints="failed: $complaints"
        echo "$complaints"
        test -z "$complaints""#;
    each(&["systemd"], nothing, script).await;
}

#[tokio::test]
async fn prometheus_reads_its_files() {
    let script = r#"
        sed "s#/etc/prometheus#$DEPLOY/prometheus#" "$FILE" >"$TMP/prometheus.yaml"
        promtool check config "$TMP/prometheus.yaml""#;
    // It names the file with the alerts.
    each(&PROMETHEUS[..1], nothing, script).await;
}

/// A Redis, of which Valkey is a copy.
#[tokio::test]
async fn redis_starts_with_the_files_of_valkey() {
    let script = r#"
        : >"$TMP/password"
        sed "s#^dir .*#dir $TMP#; s#^include .*#include $TMP/password#" "$FILE" >"$TMP/redis.conf"
        redis-server "$TMP/redis.conf" --port 0 --unixsocket "$TMP/socket" &
        until redis-cli -s "$TMP/socket" ping >"$TMP/said" 2>&1; do kill -0 $!; done
        redis-cli -s "$TMP/socket" shutdown nosave
        wait $!"#;
    each(&REDIS, nothing, script).await;
}

#[tokio::test]
async fn compose_files_follow_the_specification() {
    let script = r#"
        "$PYTHON" -m check_jsonschema --builtin-schema vendor.compose-spec "$FILE""#;
    each(&COMPOSE, nothing, script).await;
}

#[tokio::test]
async fn shells_read_the_scripts() {
    let script = r#"
        case $(head -1 "$FILE") in *bash*) bash -n "$FILE" ;; *) sh -n "$FILE" ;; esac"#;
    each(&SCRIPTS, nothing, script).await;
}
