//! Every page of authseal.

use super::{
    https_opener::HttpsOpener,
    opener::{FOREIGN, LOCALHOST, Opener},
    page::{
        Page,
        Step::{Click, NewTab, Reload, See, Type},
        opened, page,
    },
    support::{TestApp, emulators::Emulated},
};

/// As Duplicati's old web UI makes them up.
pub const TOKEN: &str = "4k9x2m7q1z8w5v3t6y0u";

/// Languages of the pages.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// Of the server that has one.
const PASSWORD: &str = "never-print-this-password";

/// Enough for a start page with search, and each way to log in and to revoke.
const PROVIDERS: [&str; 6] = [
    "google",
    "microsoft",
    "dropbox",
    "box",
    "jottacloud",
    "pcloud",
];

/// A server with services of the demo provider, one with many that are shipped,
/// one without any, two that not everybody may log in with, and a program that opens
/// the first.
pub struct Site {
    pub app: TestApp,
    pub shipped: Emulated,
    empty: TestApp,
    with_password: TestApp,
    closed: TestApp,
    /// One without https, which is not on the browser's own machine.
    unencrypted: TestApp,
    opener: Opener,
    https_opener: HttpsOpener,
    authid: String,
    authid_to_renew: String,
}

impl Site {
    pub async fn start() -> Self {
        let mut empty = TestApp::builder();
        for service in ["STABLE", "SINGLE_USE"] {
            empty = empty
                .env(&format!("TEST_{service}_CLIENT_ID"), "")
                .env(&format!("TEST_{service}_CLIENT_SECRET"), "");
        }
        let with_password = TestApp::builder().env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD);
        let closed = TestApp::builder().env("AUTHSEAL_LOGIN_NETWORKS", "10.0.0.0/8");
        let shipped = Emulated::start(&PROVIDERS).await;
        Self {
            app: TestApp::start().await,
            authid: shipped.credential("googledrive").await,
            authid_to_renew: shipped.credential("googledrive").await,
            shipped,
            empty: empty.start().await,
            with_password: with_password.start().await,
            closed: closed.start().await,
            unencrypted: TestApp::builder().host("auth.lan").start().await,
            opener: Opener::start(),
            https_opener: HttpsOpener::start().await,
        }
    }

    /// All of them.
    pub fn pages(&self) -> Vec<Page> {
        let mut pages = self.start_pages();
        pages.extend(self.gates());
        pages.extend(self.login_pages());
        pages.extend(self.results());
        pages.extend(self.popups());
        pages.extend(self.revocation_pages());
        pages.extend([
            page(&self.app, "/privacy-policy", [], "Privacy", ".brand"),
            page(
                &self.app,
                "/no/such/page",
                [],
                "There is no such page",
                BUTTON,
            ),
        ]);
        pages
    }

    fn start_pages(&self) -> Vec<Page> {
        let (all, one) = ("Choose your storage", "Log in to Test storage");
        let (few, many) = (&self.app, &self.shipped.app);
        let for_a_program = format!("/?token={TOKEN}");
        let one_for_a_program = format!("/?type=stable&token={TOKEN}");
        let empty = "No service is configured yet";
        let by_token = "Log in with a login token";
        let chosen_before = [Click(SERVICE), Click("#refuse"), Click(".button.secondary")];
        let old_ui = self.opener.old_ui(LOCALHOST, &few.url, "stable", TOKEN);
        vec![
            page(few, "/", [], all, SERVICE),
            page(few, "/?type=stable", [], one, BUTTON),
            page(few, "/?type=%3Cb%3Enothing", [], all, SERVICE),
            page(few, &for_a_program, [], all, SERVICE),
            page(few, &one_for_a_program, [], one, BUTTON),
            opened(few, old_ui, [Reload], one, BUTTON),
            page(many, "/", [], all, "#search"),
            page(few, "/", chosen_before, all, ".recent button"),
            page(many, "/cli-token", [], by_token, SERVICE),
            page(few, "/cli-token", [], by_token, BUTTON),
            page(&self.empty, "/", [], empty, ".brand"),
        ]
    }

    fn gates(&self) -> Vec<Page> {
        let (app, who) = (&self.with_password, "Enter the password");
        let wrong = Type("#password", "never-print-a-wrong-one".into());
        let wrong = [wrong, Click(BUTTON), See("[role=alert]")];
        let not_here = "You can't log in from here";
        vec![
            page(app, "/", [], who, BUTTON),
            page(app, "/?type=stable", wrong, who, BUTTON),
            page(&self.closed, "/", [], not_here, ".brand"),
        ]
    }

    fn login_pages(&self) -> Vec<Page> {
        let (app, shipped) = (&self.app, &self.shipped.app);
        let (login, form) = ("/login?id=stable", "/cli-token?id=jottacloud");
        let refused = "Test provider refused the login";
        let unfinished = "This login can't be finished";
        let paste = Type("#token", "no login token!".into());
        let wrong = [paste, Click(BUTTON), See("[role=alert]")];
        let jottacloud = "Log in to Jottacloud";
        vec![
            page(app, login, [Click("#refuse")], refused, BUTTON),
            page(app, "/login?id=x", [], "There is no such service", BUTTON),
            page(app, "/logged-in?code=c&state=s", [], unfinished, BUTTON),
            page(shipped, form, [], jottacloud, BUTTON),
            page(shipped, form, wrong, jottacloud, BUTTON),
        ]
    }

    fn results(&self) -> Vec<Page> {
        let (app, opener) = (&self.app, &self.opener);
        let ready = "Your AuthID is ready";
        let trusted = format!("{}&keep", opener.current_ui(LOCALHOST, &app.url));
        let foreign = opener.current_ui(FOREIGN, &app.url);
        let silent = opener.silent_ui(LOCALHOST, &app.url);
        let one = "/?type=stable";
        let asks = format!("{one}&token={TOKEN}");
        let named = opener.old_ui(LOCALHOST, &app.url, "stable", TOKEN);
        let question = "Hand over your AuthID?";
        let handed_over = [Click(BUTTON), Click("#allow"), Click(BUTTON)];
        let allow = || [Click(BUTTON), Click("#allow")];
        let elsewhere = [
            Click(BUTTON),
            Click("#allow"),
            NewTab("form[action='/elsewhere'] button"),
        ];
        let by_code = "Get an AuthID by code";
        let wrong_code = [
            Type("#code", "no-such-code".into()),
            Click(BUTTON),
            See("[role=alert]"),
        ];
        let used_by = |tab| [Click(BUTTON), Click("#allow"), Click(tab)];
        let for_rclone = used_by("label[for=use-rclone]");
        let for_a_script = used_by("label[for=use-script]");
        let token = "Your access token is ready";
        vec![
            page(app, one, allow(), ready, COPY),
            page(app, &asks, allow(), question, BUTTON),
            page(app, &asks, handed_over, DONE, CLOSE),
            page(app, one, elsewhere, "Get it on another machine", COPY),
            page(app, "/collect", [], by_code, BUTTON),
            page(app, "/collect", wrong_code, by_code, BUTTON),
            opened(app, named, allow(), question, BUTTON),
            page(app, one, for_rclone, ready, RCLONE),
            page(app, one, for_a_script, ready, SCRIPT),
            opened(app, trusted, allow(), DONE, CLOSE),
            opened(app, foreign, allow(), ready, NAMED),
            opened(app, silent, allow(), ready, "#opener"),
            page(&self.shipped.app, "/login?id=pcloud", [], token, COPY),
        ]
    }

    /// Of popups that have more to read than the AuthID, or that no AuthID leaves by itself.
    pub fn popups(&self) -> Vec<Page> {
        let (pcloud, opener, unencrypted) = (&self.shipped.app, &self.opener, &self.unencrypted);
        let current_ui = opener.current_ui(LOCALHOST, &pcloud.url);
        let current_ui = current_ui.replace("=stable", "=pcloud");
        let old_ui = || opener.old_ui(LOCALHOST, &pcloud.url, "pcloud", TOKEN);
        let token = "Your access token is ready";
        let question = "Hand over your access token?";
        let base = unencrypted.url.replace("127.0.0.1", "auth.lan");
        let blocked = || self.https_opener.old_ui(&base, TOKEN);
        let (one, ready) = ("Log in to Test storage", "Your AuthID is ready");
        let telling = || self.https_opener.telling_ui(&base, TOKEN);
        let allow = || [Click(BUTTON), Click("#allow")];
        let insist = [Click(BUTTON), Click("#allow"), Click("summary")];
        let mut pages = vec![
            opened(pcloud, current_ui, [Click(BUTTON)], token, NAMED),
            opened(pcloud, old_ui(), [Click(BUTTON)], question, BUTTON),
            opened(
                pcloud,
                old_ui(),
                [Click(BUTTON), See("[action='/hand-over']"), Click(BUTTON)],
                DONE,
                CLOSE,
            ),
            opened(unencrypted, blocked(), [Reload], one, BUTTON),
            opened(unencrypted, blocked(), allow(), ready, COPY),
            opened(unencrypted, blocked(), insist, ready, "form button"),
            opened(unencrypted, telling(), [Reload], one, BUTTON),
            opened(unencrypted, telling(), allow(), ready, COPY),
        ];
        for page in &mut pages[3..] {
            page.server = base.clone();
        }
        pages
    }

    fn revocation_pages(&self) -> Vec<Page> {
        let (app, form) = (&self.shipped.app, "/revoke");
        let revoke = |authid: &str| [Type("#authid", authid.into()), Click(REVOKE)];
        let (done, failed) = (revoke(&self.authid), revoke("v2:googledrive:nothing"));
        let other = ".button.secondary";
        let renew = |authid: &str| [Type("#authid", authid.into()), Click(BUTTON)];
        let renewed = renew(&self.authid_to_renew);
        let inspected = renew(&self.authid_to_renew);
        let not_inspected = renew("v2:googledrive:nothing");
        let not_renewed = renew("v2:googledrive:nothing");
        vec![
            page(app, "/renew", [], "Renew an AuthID", BUTTON),
            page(app, "/renew", renewed, "Your AuthID is ready", COPY),
            page(
                app,
                "/renew",
                not_renewed,
                "The AuthID is not renewed",
                BUTTON,
            ),
            page(app, "/inspect", [], "Inspect an AuthID", BUTTON),
            page(
                app,
                "/inspect",
                inspected,
                "AuthID for Google Drive (limited)",
                BUTTON,
            ),
            page(
                app,
                "/inspect",
                not_inspected,
                "This AuthID can't be inspected",
                BUTTON,
            ),
            page(app, form, [], "Revoke an AuthID", REVOKE),
            page(app, form, done, "The login is revoked", other),
            page(app, form, failed, "The login is not revoked", BUTTON),
        ]
    }
}

const BUTTON: &str = ".button.primary";
const COPY: &str = "button[data-copy]";
const RCLONE: &str = ".rclone button[data-copy]";
const SCRIPT: &str = ".script button[data-copy]";
const DONE: &str = "Done: sent to Duplicati";
const CLOSE: &str = "[data-close]:not([hidden])";
const NAMED: &str = ".send[data-origin]:not([data-trusted]) [data-send]";
const REVOKE: &str = ".button.danger";
const SERVICE: &str = "a.service";
