//! The Helm chart: linted, rendered by Helm's own code, held to Kubernetes' schemas, and its
//! settings read by authseal.

use std::{collections::BTreeMap, fs, sync::LazyLock};

use serde_json::{Value, json};

use super::{
    other_program::{output, python},
    support::{Finished, run},
};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/helm/authseal");

/// What the script says of every case.
static RENDERED: LazyLock<Value> = LazyLock::new(|| {
    let minimum = json!({"publicUrl": "https://auth.example.com", "secret": "authseal"});
    let with = |values: Value| {
        let mut all = minimum.as_object().unwrap().clone();
        all.extend(values.as_object().unwrap().clone());
        Value::from(all)
    };
    let cases = json!({
        "nothing": {},
        "minimum": minimum,
        "everything": with(json!({
            "trustedProxies": "10.244.0.0/16",
            "settings": {
                "GD_CLIENT_ID": "id",
                "GD_CLIENT_SECRET_FILE": "/etc/authseal/gd-client-secret",
                "AUTHSEAL_MAX_CONNECTIONS": 12_345_678,
                "AUTHSEAL_ACCEPT_V2_PLAIN": true,
            },
            "imagePullSecrets": [{"name": "pull"}],
            "store": {"kind": "redis", "redis": {"secret": "store"}},
            "replicas": 2,
            "ingress": {"enabled": true, "className": "nginx", "annotations": {"a": "b"}, "tlsSecret": "tls"},
            "service": {"annotations": {"a": "b"}},
            "serviceMonitor": {"enabled": true, "labels": {"release": "prometheus"}},
            "networkPolicy": {"enabled": true, "extraEgress": [{"ports": [{"port": 6379}]}]},
            "podAnnotations": {"a": "b"},
            "nodeSelector": {"a": "b"},
            "tolerations": [{"operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
        })),
        "folder": with(json!({
            "publicUrl": "https://example.com:8443/auth",
            "store": {"kind": "folder", "folder": {"storageClass": "fast"}},
            "ingress": {"enabled": true},
        })),
        "own claim": with(json!({"store": {"kind": "folder", "folder": {"existingClaim": "mine"}}})),
        "folder for two": with(json!({"store": {"kind": "folder"}, "replicas": 2})),
        "redis nowhere": with(json!({"store": {"kind": "redis"}})),
        "misspelt": with(json!({"ingres": {"enabled": true}})),
        "named twice": with(json!({"settings": {"AUTHSEAL_PUBLIC_URL": "https://other.example.com"}})),
    });
    let mut script = python("chart/render.py");
    serde_json::from_slice(&output(script.arg(CHART), &cases.to_string())).unwrap()
});

fn case(name: &str) -> &'static Value {
    let case = &RENDERED["cases"][name];
    assert!(case.is_object(), "{name}");
    case
}

/// The objects of a case by kind and name.
fn objects(name: &str) -> BTreeMap<String, &'static Value> {
    let found = case(name)["objects"].as_array();
    let found = found.unwrap_or_else(|| panic!("{name}: {}", case(name)["error"]));
    let name_of = |object: &Value| {
        let words = [&object["kind"], &object["metadata"]["name"]];
        words.map(|word| word.as_str().unwrap()).join("/")
    };
    found
        .iter()
        .map(|object| (name_of(object), object))
        .collect()
}

#[test]
fn the_chart_is_linted_and_names_each_of_its_values_once() {
    assert_eq!(RENDERED["unmatched"], json!([]));
    for name in ["minimum", "everything", "folder", "own claim"] {
        assert_eq!(case(name)["lint"], json!([]), "{name}");
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(RENDERED["version"], version);
    assert_eq!(RENDERED["metadata"]["appVersion"], version);
}

#[test]
fn the_chart_makes_what_its_values_ask_for_and_no_more() {
    let check = |name, expected: &[&str]| {
        let found = objects(name);
        assert_eq!(found.keys().collect::<Vec<_>>(), expected, "{name}");
    };
    let least = [
        "ConfigMap/authseal",
        "Deployment/authseal",
        "Service/authseal",
    ];
    check("minimum", &least);
    check("own claim", &least);
    check(
        "folder",
        &[
            "ConfigMap/authseal",
            "Deployment/authseal",
            "Ingress/authseal",
            "PersistentVolumeClaim/authseal-store",
            "Service/authseal",
        ],
    );
    check(
        "everything",
        &[
            "ConfigMap/authseal",
            "Deployment/authseal",
            "Ingress/authseal",
            "NetworkPolicy/authseal",
            "PodDisruptionBudget/authseal",
            "Service/authseal",
            "Service/authseal-admin",
            "ServiceMonitor/authseal",
        ],
    );
    let rule = &objects("folder")["Ingress/authseal"]["spec"]["rules"][0];
    assert_eq!(rule["host"], "example.com");
    assert_eq!(rule["http"]["paths"][0]["path"], "/auth");
    let metadata = "/.well-known/oauth-authorization-server/auth";
    assert_eq!(rule["http"]["paths"][1]["path"], metadata);
    let rule = &objects("everything")["Ingress/authseal"]["spec"]["rules"][0];
    assert_eq!(rule["http"]["paths"].as_array().unwrap().len(), 1);
    let admin = &objects("everything")["Service/authseal-admin"]["spec"];
    assert_eq!(admin["publishNotReadyAddresses"], true);
    let dns = &objects("everything")["NetworkPolicy/authseal"]["spec"]["egress"][0]["to"];
    assert_eq!(dns[1]["ipBlock"]["cidr"], "169.254.20.10/32");
    let strategy = |name| &objects(name)["Deployment/authseal"]["spec"]["strategy"];
    assert_eq!(strategy("folder"), &json!({"type": "Recreate"}));
    assert_eq!(strategy("minimum")["rollingUpdate"]["maxUnavailable"], 0);
}

#[test]
fn the_chart_refuses_values_that_cannot_work_and_says_why() {
    let check = |name, expected: &[&str]| {
        let error = case(name)["error"].as_str().unwrap();
        for words in expected {
            assert!(error.contains(words), "{name}: {error}");
        }
    };
    check("nothing", &["/publicUrl", "/secret"]);
    check("folder for two", &["set replicas to 1"]);
    check("redis nowhere", &["store.redis.secret"]);
    check("misspelt", &["ingres"]);
    check("named twice", &["AUTHSEAL_PUBLIC_URL"]);
}

#[test]
fn the_notes_of_the_chart_tell_the_next_step() {
    let notes = |name| case(name)["notes"].as_str().unwrap();
    for name in ["minimum", "everything"] {
        assert!(notes(name).contains("--namespace backup rollout status deployment/authseal"));
    }
    assert!(notes("everything").contains("https://auth.example.com/logged-in"));
    assert!(!notes("everything").contains("networkPolicy"));
    assert!(notes("minimum").contains("trustedProxies is empty"));
}

/// The variables of the container, with files of the Secret in `folder`.
fn environment(name: &str, folder: &str) -> Vec<(String, String)> {
    let objects = objects(name);
    let pod = &objects["Deployment/authseal"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let settings = objects["ConfigMap/authseal"]["data"].as_object().unwrap();
    let settings = settings.iter().map(|(name, value)| (name.as_str(), value));
    let named = container["env"].as_array().unwrap().iter();
    let named = named.map(|variable| (variable["name"].as_str().unwrap(), &variable["value"]));
    settings
        .chain(named)
        // A value out of a Secret that the cluster has
        .map(|(name, value)| (name, value.as_str().unwrap_or("redis://127.0.0.1:1")))
        .map(|(name, value)| (name.to_owned(), value.replace("/etc/authseal", folder)))
        .collect()
}

#[tokio::test]
async fn authseal_understands_the_settings_of_the_chart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let keys_dir = folder.path().join("keys");
    let keys = [("AUTHSEAL_KEYS_DIR", keys_dir.to_str().unwrap())];
    let command = async |words: &[&str], settings: &[(&str, &str)]| -> Finished {
        run(words, settings).await.into()
    };
    command(&["keys", "new"], &keys).await.good();
    let exported = command(&["keys", "export"], &keys).await;
    fs::write(folder.path().join("keys.json"), exported.good()).unwrap();
    fs::write(folder.path().join("gd-client-secret"), "never-print-secret").unwrap();
    for name in ["minimum", "everything"] {
        let environment = environment(name, path);
        let environment: Vec<_> = environment
            .iter()
            // The ports of the container may be taken on this machine.
            .filter(|(name, _)| !name.ends_with("_LISTEN"))
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let any_port = [
            ("AUTHSEAL_LISTEN", "127.0.0.1:0"),
            ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
        ];
        let checked = command(&["check"], &[&environment[..], &any_port].concat()).await;
        assert!(checked.status.success(), "{name}: {checked:?}");
        assert!(
            !checked.stderr.contains("is not a setting"),
            "{name}: {checked:?}"
        );
    }
}
