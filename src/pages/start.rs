//! The start page: which service, and on to its login.

use askama::Template;

use super::{FAVICON_PATH, Frame, SCRIPT_PATH, STYLE_PATH};

/// Lists the services, or asks to log in at one of them.
#[derive(Debug, Template)]
#[template(path = "start.html")]
pub struct StartPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// Every service that is offered, in the order in which it is shown. Where
    /// it is empty the page tells the administrator what to do.
    pub services: Vec<Service<'a>>,
    /// What the visitor asked for.
    pub choice: Choice<'a>,
    /// What could be offered, for an administrator who has configured nothing.
    pub setups: Vec<Setup<'a>>,
    /// What the links to a login carry, when a program opened the page.
    pub visit: Option<&'a str>,
    /// Somebody else who is to receive the AuthID.
    pub receiver: Option<Receiver<'a>>,
}

/// More than this many services are too many to look through.
const MANY: usize = 8;

impl StartPage<'_> {
    /// Whether the list has a search field.
    fn is_searchable(&self) -> bool {
        matches!(self.choice, Choice::All | Choice::Unknown(_)) && self.services.len() > MANY
    }

    /// Whether the page after the login asks for a click.
    fn asks(&self) -> bool {
        self.receiver.is_some_and(|receiver| receiver.after_a_click)
    }

    /// Names of the services on the list whose logins end with this server's memory.
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

    /// Where a login starts, below the prefix.
    fn login_path(&self, service: &Service<'_>) -> String {
        match self.visit {
            Some(visit) => format!("{}&visit={visit}", service.login_path()),
            None => service.login_path(),
        }
    }
}

/// The receiver of the AuthID.
#[derive(Clone, Copy, Debug)]
pub struct Receiver<'a> {
    /// The origin of the page that opened ours, where the browser tells it.
    pub opener: Option<&'a str>,
    /// True if the person is asked once more, after the login.
    pub after_a_click: bool,
}

/// What it takes to offer the services of a provider.
#[derive(Clone, Debug)]
pub struct Setup<'a> {
    /// The provider.
    pub provider: &'a str,
    /// What to set, in a few words.
    pub how: &'a str,
    /// Where the client id is made.
    pub console_url: Option<&'a str>,
}

/// What `?type=` asked for.
#[derive(Debug)]
pub enum Choice<'a> {
    /// Nothing: show all services.
    All,
    /// This service, which may be one that the list hides.
    One(Service<'a>),
    /// A type that no service has; any text.
    Unknown(&'a str),
}

/// A service that can be logged in at.
#[derive(Clone, Debug)]
pub struct Service<'a> {
    /// Service id: "googledrive".
    pub id: &'a str,
    /// Its name; a remark in parentheses at its end is set apart:
    /// "Google Drive (limited)".
    pub name: &'a str,
    /// Id of its provider: services of one provider have the same colour.
    pub provider: &'a str,
    /// Whether its logins end when this server is restarted.
    pub ends_at_restart: bool,
}

/// Colours that the stylesheet has for the seals of services.
const WAXES: usize = 6;

impl Service<'_> {
    /// Where its login starts, below the prefix.
    fn login_path(&self) -> String {
        let id: String = form_urlencoded::byte_serialize(self.id.as_bytes()).collect();
        format!("/login?id={id}")
    }

    /// Its name without the remark.
    fn title(&self) -> &str {
        self.split_name().0
    }

    /// The remark in parentheses at the end of its name.
    fn remark(&self) -> Option<&str> {
        self.split_name().1
    }

    fn split_name(&self) -> (&str, Option<&str>) {
        match self.name.split_once(" (") {
            Some((title, remark)) if !title.is_empty() && remark.ends_with(')') => {
                (title, remark.strip_suffix(')'))
            }
            _ => (self.name, None),
        }
    }

    /// One or two letters that stand in its seal.
    fn initials(&self) -> String {
        self.title()
            .split_whitespace()
            .filter_map(|word| word.chars().find(|c| c.is_alphanumeric()))
            .take(2)
            .flat_map(char::to_uppercase)
            .collect()
    }

    /// Number of the colour of its seal: a hash, whose two numbers were looked
    /// for until the usual providers each got a colour of their own.
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

    fn named(name: &str) -> Service<'_> {
        Service {
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
        let service = Service {
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
                Service {
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
            assert!(super::super::STYLE.contains(&format!(".wax-{wax} ")));
        }
    }
}
