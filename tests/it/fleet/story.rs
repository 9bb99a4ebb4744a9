//! The story of docs/fleet.md: its commands, against a server and a thief.

use std::{fs, path::Path, time::Duration};

use authseal::{
    clock::Clock,
    keyring::{KeySource, Keyring},
    seal::{AuthIdName, Terms},
};

use crate::support::{Installation, ServerProcess, eventually, post_form, seal, send};

const PAGE: &str = include_str!("../../../docs/fleet.md");
const USERS: [&str; 10] = [
    "anna", "bert", "carl", "dora", "emil", "fred", "gina", "hans", "ines", "jana",
];

/// The commands of a section, with the id of the leaked key in them.
fn commands(section: &str, kid: &str) -> Vec<Vec<String>> {
    let (_, text) = PAGE.split_once(&format!("\n## {section}\n")).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("    authseal "));
    let commands: Vec<_> = lines
        .map(|line| shlex::split(&line.replace("KID", kid)).unwrap())
        .collect();
    assert!(!commands.is_empty(), "{section}");
    commands
}

struct Machine {
    user: &'static str,
    authid: String,
}

/// Fifty machines, of ten users.
fn machines(installation: &Installation) -> Vec<Machine> {
    let names = (0..50).map(|number| (USERS[number / 5], number));
    names
        .map(|(user, number)| Machine {
            user,
            authid: log_in(installation, user, &label(number)),
        })
        .collect()
}

fn label(number: usize) -> String {
    match number {
        0 => "laptop of the accountant".to_owned(),
        number => format!("machine {number}"),
    }
}

fn log_in(installation: &Installation, user: &str, label: &str) -> String {
    let name = |text| Some(AuthIdName::new(text).unwrap());
    let terms = Terms {
        user: name(user),
        label: name(label),
        ..Terms::default()
    };
    installation.log_in_named("stable", terms)
}

async fn run(installation: &Installation, section: &str, kid: &str) {
    for command in commands(section, kid) {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        installation.run(&command).await.good();
    }
}

async fn works(server: &ServerProcess, authid: &str) -> bool {
    match server.refresh(authid).await.status.as_u16() {
        200 => true,
        401 => false,
        status => panic!("{status}"),
    }
}

/// Waits until the server refuses the AuthID.
async fn refused(server: &ServerProcess, authid: &str) {
    eventually("it is refused", async || {
        (!works(server, authid).await).then_some(())
    })
    .await;
}

/// Numbers of the machines that work.
async fn working(server: &ServerProcess, machines: &[Machine]) -> Vec<usize> {
    let mut working = Vec::new();
    for (number, machine) in machines.iter().enumerate() {
        if works(server, &machine.authid).await {
            working.push(number);
        }
    }
    working
}

/// The AuthID that a thief gets for this one.
async fn renewed(server: &ServerProcess, authid: &str) -> String {
    let request = http::Request::post(format!("{}/renewed", server.url))
        .header("X-AuthID", authid)
        .body(Default::default());
    let answer = send(request.unwrap()).await.good();
    answer.json()["authid"].as_str().unwrap().to_owned()
}

/// What the thief seals with the key that leaked.
fn forged(folder: &Path) -> String {
    let keyring = Keyring::load(KeySource::Folder(folder.to_owned())).unwrap();
    seal(&keyring, Clock::system().now(), "stable", "of the thief")
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_theft_a_leaver_and_a_leak_the_thief_has_nothing_that_opens() {
    let mut installation = Installation::new(Duration::from_secs(3600)).await;
    let log = installation.keys_dir.parent().unwrap().join("audit.log");
    installation.set("AUTHSEAL_AUDIT_LOG", log.to_str().unwrap());
    let leaked = installation.new_key(&[]).await;
    let machines = machines(&installation);
    // The thief's copy of the backup.
    let copy = installation.keys_dir.with_extension("stolen");
    fs::create_dir(&copy).unwrap();
    fs::copy(
        installation.key_path(&leaked),
        copy.join(format!("{leaked}.jwk")),
    )
    .unwrap();
    let server = installation.serve().await;
    assert_eq!(working(&server, &machines).await.len(), 50);

    let stolen = &machines[0].authid;
    let mut loot = vec![stolen.clone(), renewed(&server, stolen).await];
    run(&installation, "A laptop is stolen", &leaked).await;
    refused(&server, stolen).await;
    assert_eq!(working(&server, &machines).await, Vec::from_iter(1..50));

    let of_bert = machines.iter().filter(|machine| machine.user == "bert");
    loot.extend(of_bert.map(|machine| machine.authid.clone()));
    run(&installation, "A user leaves", &leaked).await;
    refused(&server, &machines[5].authid).await;
    let others: Vec<usize> = (1..5).chain(10..50).collect();
    assert_eq!(working(&server, &machines).await, others);
    let another_bert = async || {
        let authid = log_in(&installation, "bert", "new laptop");
        works(&server, &authid).await.then_some(())
    };
    eventually("another bert works", another_bert).await;

    // Under a newer key, before anybody knows of the leak.
    let newer = installation.new_key(&[]).await;
    server.has_key(&newer, "sealing").await;
    let laundered = renewed(&server, &machines[20].authid).await;
    assert_eq!(installation.open(&laundered).kid, newer);
    loot.extend(machines.iter().map(|machine| machine.authid.clone()));
    loot.push(forged(&copy));
    run(&installation, "A key leaks", &leaked).await;
    refused(&server, &laundered).await;
    refused(&server, &machines[30].authid).await;
    loot.push(laundered);
    for authid in &loot {
        assert!(!works(&server, authid).await);
        let form = [("grant_type", "refresh_token"), ("refresh_token", authid)];
        let answer = post_form(&format!("{}/token", server.url), &form).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        let answer = post_form(&format!("{}/renewed", server.url), &[("authid", authid)]).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    let again = async || {
        let authid = log_in(&installation, "anna", "laptop of the accountant");
        works(&server, &authid).await.then_some(())
    };
    eventually("who logs in again works", again).await;

    let [show, verify] = commands("Afterwards", &leaked).try_into().unwrap();
    let show: Vec<&str> = show.iter().map(String::as_str).collect();
    let found = log_in(&installation, "anna", "laptop");
    let shown = installation.run_with_input(&show, &found).await.json();
    assert_eq!(
        (&shown["user"], &shown["revoked"]),
        (&"anna".into(), &false.into())
    );
    server.program.terminate().await;
    server.program.end().await;
    let verify: Vec<&str> = verify.iter().map(String::as_str).collect();
    installation.run(&verify).await.good();
    let text = fs::read_to_string(&log).unwrap();
    for (event, part) in [
        ("refused", r#""label":"laptop of the accountant""#),
        ("revoked", r#""rule":"user=bert before="#),
        ("revoked", r#""note":"stolen on the train""#),
        ("key_made", r#""replaces":["#),
    ] {
        let event = format!("\"event\":\"{event}\"");
        let mut lines = text.lines().filter(|line| line.contains(&event));
        assert!(
            lines.any(|line| line.contains(part)),
            "{event} {part}: {text}"
        );
    }
}
