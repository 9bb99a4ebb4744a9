//! Logins whose user or provider allowed less than was asked for.

use serde_json::{Value, json};

use crate::support::{
    Answer, Browser, Piece, ScriptedProvider, TestApp, begin, callback,
    emulators::{Emulated, Fault, escaped},
    json as json_answer,
};

fn body(scope: &Value) -> String {
    let mut body = json!({
        "access_token": "never-print-access",
        "refresh_token": "never-print-refresh",
        "expires_in": 3600,
    });
    if !scope.is_null() {
        body["scope"] = scope.clone();
    }
    body.to_string()
}

async fn log_in(emulated: &Emulated, provider: &str, service: &str, scope: &Value) -> Answer {
    emulated
        .app
        .clock
        .advance(std::time::Duration::from_secs(60));
    let provider = emulated.at(provider);
    provider.fault("/token", Fault::Answer(200, body(scope)));
    let page = emulated.log_in(service).await;
    provider.mend();
    page
}

const DRIVE_FILE: &str = "https://www.googleapis.com/auth/drive.file";
const APPEND: &str = "https://www.googleapis.com/auth/photoslibrary.appendonly";
const READ_OWN: &str = "https://www.googleapis.com/auth/photoslibrary.readonly.appcreateddata";

#[tokio::test]
async fn a_login_with_fewer_scopes_than_asked_gives_no_authid_and_says_what_is_missing() {
    let emulated = Emulated::start(&["google", "microsoft", "dropbox"]).await;
    for (provider, service, granted, missing, cure) in [
        // The box of Drive was not ticked, and only the sign-in was granted.
        (
            "google",
            "googledrive",
            json!("openid https://www.googleapis.com/auth/userinfo.email"),
            DRIVE_FILE,
            "tick the box of every permission",
        ),
        (
            "google",
            "googlephotos",
            json!(APPEND),
            READ_OWN,
            "tick the box",
        ),
        (
            "google",
            "googlephotos",
            json!([READ_OWN]),
            APPEND,
            "tick the box",
        ),
        // Group.Read.All waits for an administrator.
        (
            "microsoft",
            "msgroup",
            json!("https://graph.microsoft.com/Files.ReadWrite.All profile openid email"),
            "Group.Read.All",
            "administrator must consent",
        ),
        // A permission that the app lacks in the App Console.
        (
            "dropbox",
            "dropbox",
            json!("account_info.read files.content.read files.metadata.read files.metadata.write"),
            "files.content.write",
            "Permissions tab",
        ),
    ] {
        let page = log_in(&emulated, provider, service, &granted).await;
        assert_eq!(page.status, 400, "{service}: {page:?}");
        assert!(
            page.body.contains(&format!("Missing: {missing}. ")),
            "{page:?}"
        );
        assert!(page.body.contains(&escaped(cure)), "{page:?}");
        assert!(
            page.body.contains(&format!("/login?id={service}")),
            "{page:?}"
        );
        for never in ["v2:", "never-print", "is ready"] {
            assert!(!page.body.contains(never), "{never}: {page:?}");
        }
    }
}

#[tokio::test]
async fn the_same_scopes_in_another_form_are_enough() {
    let emulated = Emulated::start(&[
        "google",
        "microsoft",
        "liveconnect",
        "hidrive",
        "zoho",
        "box",
    ])
    .await;
    for (provider, service, granted) in [
        ("google", "googledrive", Value::Null),
        ("google", "googledrive", json!("")),
        ("google", "googledrive", json!(7)),
        (
            "google",
            "googledrive",
            json!(format!("openid {DRIVE_FILE} email")),
        ),
        (
            "google",
            "googlephotos",
            json!(format!("{READ_OWN} {APPEND}")),
        ),
        ("google", "googlephotos", json!([APPEND, READ_OWN])),
        (
            "microsoft",
            "onedrivev2",
            json!("profile openid email Files.ReadWrite User.Read"),
        ),
        (
            "microsoft",
            "onedrivev2",
            json!("https://graph.microsoft.com/files.readwrite"),
        ),
        ("microsoft", "onedrivev2", json!("Files.ReadWrite.All")),
        // A wider one includes it.
        ("microsoft", "onedrive-readonly", json!("Files.ReadWrite")),
        (
            "microsoft",
            "onedrive-readonly",
            json!("00000003-0000-0000-c000-000000000000/Files.ReadWrite.All"),
        ),
        (
            "google",
            "googledrive",
            json!("https://www.googleapis.com/auth/drive"),
        ),
        (
            "google",
            "googledrive-readonly",
            json!("https://www.googleapis.com/auth/drive"),
        ),
        ("box", "box-readonly", json!("root_readwrite")),
        ("hidrive", "hidrive", json!("user,rw")),
        (
            "zoho",
            "zohoworkdrive",
            json!(
                "AaaServer.profile.ALL WorkDrive.team.READ WorkDrive.workspace.READ \
                 WorkDrive.files.ALL ZohoFiles.files.ALL"
            ),
        ),
        // Its table says that what it grants is not to be believed.
        ("liveconnect", "onedrive", json!("wl.basic")),
    ] {
        let page = log_in(&emulated, provider, service, &granted).await;
        assert_eq!(page.status, 200, "{service} {granted}: {page:?}");
    }
}

/// A provider that grants only the first of two scopes.
fn half() -> Vec<Piece> {
    json_answer("200 OK", &body(&json!("files.read")))
}

#[tokio::test]
async fn the_scope_is_compared_unless_the_table_says_not_to_and_a_refresh_goes_on() {
    for compare_scope in [true, false] {
        let provider = ScriptedProvider::start(|_| half());
        let token_url = provider.url("/token");
        let app = TestApp::builder().tables(&format!(
            "[provider.half]\nname = \"Half\"\ncredentials = [\"HALF\"]\n\
             authorize_url = \"https://provider.example/authorize\"\n\
             token_url = \"{token_url}\"\nrefresh_tokens = \"stable\"\n\
             compare_scope = {compare_scope}\n\
             [service.half]\nprovider = \"half\"\nname = \"Half\"\n\
             scope = \"files.read files.write\"\n"
        ));
        let app = app.env("HALF_CLIENT_ID", "half");
        let app = app.env("HALF_CLIENT_SECRET", "never-print-half");
        let app = app.start().await;
        let mut browser = Browser::default();
        let request = begin(&app, &mut browser, "half").await;
        let page = browser.get(&callback(&app, &request, "code=x")).await;
        let expected = if compare_scope { 400 } else { 200 };
        assert_eq!(page.status, expected, "{page:?}");
        assert_eq!(
            page.body.contains("Missing: files.write."),
            compare_scope,
            "{page:?}"
        );
        // An older login may have fewer on purpose.
        let authid = app.seal("half", "never-print-old");
        assert_eq!(app.refresh(&authid).await.status, 200);
    }
}

#[tokio::test]
async fn a_pasted_login_token_is_held_to_its_scopes_too() {
    let with_more =
        |tables: String| tables + "[service.jottacloud]\nscope = \"offline_access files.write\"\n";
    let emulated = Emulated::with(&["jottacloud"], with_more, |app| app).await;
    let jottacloud = emulated.at("jottacloud");
    for (granted, status) in [("openid", 400), ("files.write", 200)] {
        let (state, cookie) = emulated.open_form("jottacloud").await;
        let token = jottacloud.books().new_login_token();
        jottacloud.fault("/token", Fault::Answer(200, body(&json!(granted))));
        let page = emulated.paste(&state, &cookie, &token).await;
        assert_eq!(page.status, status, "{granted}: {page:?}");
        let says = page.body.contains("Missing: files.write.");
        assert_eq!(says, status == 400, "{granted}: {page:?}");
    }
}
