//! The start page: choose a service and log in.

use askama::Template;

use super::{
    FAVICON_PATH, Frame, Language, Markup, PageTexts, RestrictForm, SCRIPT_PATH, STYLE_PATH,
};

/// A page that lists the services, or offers to log in to one of them.
#[derive(Debug, Template)]
#[template(path = "start.html")]
pub struct StartPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// The offered services, in the order of the list. If there are none, the page tells
    /// the administrator what to do.
    pub services: Vec<OfferedService<'a>>,
    /// The services that the visitor requested.
    pub choice: Choice<'a>,
    /// Providers that could be set up, for an administrator who has configured none.
    pub setups: Vec<Setup<'a>>,
    /// Value of `visit` in login links, if a program opened the page or limits are set.
    pub visit: Option<&'a str>,
    /// Other party that receives the AuthID.
    pub receiver: Option<Receiver<'a>>,
    /// Limits of the chosen service's scope that surprise people.
    pub note: Option<&'a str>,
    /// Names of listed services and the limits of their scopes.
    pub notes: Vec<(&'a str, &'a str)>,
    /// Link by which the administrator of an organisation consents to the chosen service for
    /// everybody there.
    pub admin_consent: Option<String>,
    /// True if the program that opened the page can't receive the AuthID, so that the user
    /// must copy it.
    pub is_blocked: bool,
    /// True if a program or page may get the AuthID.
    pub is_expected: bool,
    /// Limits for the AuthID; `None` if the service gives none that could be limited.
    pub restrict: Option<RestrictForm<'a>>,
}

/// Start of the path at which a service is chosen.
const SERVICE_PATH: &str = "/?type=";

/// Number of services above which the list has a search field.
const MANY: usize = 8;

impl StartPage<'_> {
    /// True if the list has a search field.
    fn is_searchable(&self) -> bool {
        matches!(self.choice, Choice::All | Choice::Unknown(_)) && self.services.len() > MANY
    }

    /// Returns the number of listed services.
    fn count(&self) -> u64 {
        self.services.len() as u64
    }

    /// True if the page lists only services with login tokens.
    fn is_of_login_tokens(&self) -> bool {
        matches!(self.choice, Choice::LoginTokens)
    }

    /// True if the page after the login asks for a click.
    fn asks(&self) -> bool {
        self.receiver.is_some_and(|receiver| receiver.after_a_click)
    }

    /// Returns the names of listed services whose logins end when this server restarts,
    /// because only its memory has their newest refresh tokens.
    fn ending_at_restart(&self) -> String {
        let ending = self
            .services
            .iter()
            .filter(|service| service.ends_at_restart);
        ending
            .map(|service| service.name)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Returns a note of the providers' file, in which `/?type=…` is a link. The visit goes along.
    fn note_markup(&self, note: &str) -> Markup {
        let language = self.frame.language;
        let Some((before, rest)) = note.split_once(SERVICE_PATH) else {
            return language.english(note);
        };
        let is_of_id = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
        let id = rest.split(|char| !is_of_id(char)).next();
        let id = id.unwrap_or_default().trim_end_matches('.');
        let path = format!("{SERVICE_PATH}{id}");
        let visit = self.visit.map(|visit| format!("&visit={visit}"));
        let target = format!("{path}{}", visit.unwrap_or_default());
        let link = Markup::link(&self.frame.path(&target), &path);
        let parts = [
            Markup::escaped(before),
            link,
            Markup::escaped(&rest[id.len()..]),
        ];
        language.mark_english(Markup::run_on(parts))
    }

    /// Returns a note with the name of the service in front.
    fn named_note(&self, name: &str, note: &str) -> Markup {
        let name = Markup::strong(&self.frame.language.english(name));
        name.then(&self.note_markup(note))
    }

    /// Returns the path of a login whose AuthID nobody else receives. Limits that are set are
    /// in the visit.
    fn lonely_login_path(&self, service: &OfferedService<'_>) -> String {
        let has_limits = self
            .restrict
            .as_ref()
            .is_some_and(|form| form.set.is_some());
        let path = match has_limits {
            true => self.login_path(service),
            false => service.login_path(),
        };
        format!("{path}&send=no")
    }

    /// Returns the path at which the login to `service` starts, below the prefix.
    fn login_path(&self, service: &OfferedService<'_>) -> String {
        match self.visit {
            Some(visit) => format!("{}&visit={visit}", service.login_path()),
            None => service.login_path(),
        }
    }
}

/// The receiver of the AuthID: a page or program other than the user.
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    /// Origin of the page that opened this one, if the browser tells it.
    pub opener: Option<&'a str>,
    /// True if the user is asked again after the login.
    pub after_a_click: bool,
}

impl Receiver<'_> {
    /// Returns the subject of the warning.
    fn program(&self, t: &PageTexts) -> Markup {
        match self.opener {
            Some(opener) => Markup::code(opener),
            None => t.the_opener(),
        }
    }
}

/// Instructions to set up a provider.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// Name of the provider.
    pub provider: &'a str,
    /// Settings that are needed, in a few words.
    pub how: &'a str,
    /// URL of the provider's console, where client ids are made.
    pub console_url: Option<&'a str>,
}

/// The services that `?type=` requests.
#[derive(Debug)]
pub enum Choice<'a> {
    /// All services: `?type=` is missing.
    All,
    /// All services with a login token, at `/cli-token` without an id.
    LoginTokens,
    /// One service, which may be hidden from the list.
    One(OfferedService<'a>),
    /// An unknown type; untrusted text.
    Unknown(&'a str),
}

/// A service to log in to.
#[derive(Clone, Debug)]
pub struct OfferedService<'a> {
    /// Id of the service: "googledrive".
    pub id: &'a str,
    /// Name of the service: "Google Drive (limited)". A remark in parentheses at its end
    /// is shown apart.
    pub name: &'a str,
    /// Id of the provider. Services of one provider have the same colour.
    pub provider: &'a str,
    /// True if logins end when this server restarts.
    pub ends_at_restart: bool,
}

/// Number of colours that the stylesheet has for the seals of services.
const WAXES: usize = 6;

impl OfferedService<'_> {
    /// Returns the path at which the login starts, below the prefix.
    fn login_path(&self) -> String {
        let id: String = form_urlencoded::byte_serialize(self.id.as_bytes()).collect();
        format!("/login?id={id}")
    }

    /// Returns the name without the remark.
    fn title(&self) -> &str {
        self.split_name().0
    }

    /// Returns the name with its remark set apart, which is in English.
    fn shown_name(&self, language: &Language) -> Markup {
        let (title, remark) = self.split_name();
        let title = Markup::escaped(title);
        match remark {
            Some(remark) => title.with_remark(&language.english(remark)),
            None => title,
        }
    }

    fn split_name(&self) -> (&str, Option<&str>) {
        match self.name.split_once(" (") {
            Some((title, remark)) if !title.is_empty() && remark.ends_with(')') => {
                (title, remark.strip_suffix(')'))
            }
            _ => (self.name, None),
        }
    }

    /// Returns the one or two letters that its seal shows.
    fn initials(&self) -> String {
        self.title()
            .split_whitespace()
            .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
            .take(2)
            .flat_map(char::to_uppercase)
            .collect()
    }

    /// Returns the number of the colour of its seal: a hash of the provider's id. Its two
    /// constants were chosen so that the usual providers have different colours.
    fn wax(&self) -> usize {
        self.provider
            .bytes()
            .fold(0, |sum, byte| (sum * 103 + usize::from(byte)) % 251)
            % WAXES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> OfferedService<'_> {
        OfferedService {
            id: "id",
            name,
            provider: "",
            ends_at_restart: false,
        }
    }

    #[test]
    fn a_remark_in_parentheses_is_set_apart_from_the_name() {
        let check = |name, title, remark| {
            assert_eq!(named(name).split_name(), (title, remark), "{name}");
        };
        check("Google Drive (limited)", "Google Drive", Some("limited"));
        check("Dropbox", "Dropbox", None);
        check("(odd)", "(odd)", None);
        check("Half (open", "Half (open", None);
    }

    #[test]
    fn a_seal_shows_at_most_two_words() {
        let check = |name, initials| assert_eq!(named(name).initials(), initials);
        check("Google Drive (limited)", "GD");
        check("pCloud", "P");
        check("Microsoft Office 365 Group", "MO");
        check("box.com", "B");
        check("", "");
    }

    #[test]
    fn a_service_id_cannot_leave_its_query_parameter() {
        let service = OfferedService {
            id: "a&b=\"c d",
            name: "",
            provider: "",
            ends_at_restart: false,
        };
        assert_eq!(service.login_path(), "/login?id=a%26b%3D%22c+d");
    }

    #[test]
    fn every_colour_exists_and_the_usual_providers_differ() {
        let providers = [
            "google",
            "microsoft",
            "dropbox",
            "box",
            "jottacloud",
            "pcloud",
        ];
        let waxes: std::collections::BTreeSet<_> = providers
            .into_iter()
            .map(|provider| {
                OfferedService {
                    id: "",
                    name: "",
                    provider,
                    ends_at_restart: false,
                }
                .wax()
            })
            .collect();
        assert_eq!(waxes.len(), WAXES, "{waxes:?}");
        for wax in waxes {
            assert!(super::super::style().contains(&format!(".wax-{wax}{{")));
        }
    }
}
