//! Answers of the proxy that give no tunnel.

use http::{Response, StatusCode, header::PROXY_AUTHENTICATE};

/// Methods of authentication that proxies ask for (RFC 9110 section 11.6.1). Others are not
/// named, because they are foreign text.
const METHODS: [&str; 6] = ["Basic", "NTLM", "Negotiate", "Kerberos", "Digest", "Bearer"];

/// The reason why there is no tunnel.
#[derive(Debug)]
pub(super) struct NoTunnel {
    pub(super) cause: String,
    /// True if time does not help.
    pub(super) is_lasting: bool,
}

impl NoTunnel {
    /// Makes a reason that may pass.
    pub(super) fn now(cause: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            is_lasting: false,
        }
    }

    /// Makes the reason of an answer. `has_password` is true if a user and a password were sent.
    pub(super) fn of_answer<B>(answer: &Response<B>, has_password: bool) -> Self {
        let status = answer.status();
        let (advice, is_lasting) = match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                (authentication(&methods(answer), has_password), true)
            }
            StatusCode::FORBIDDEN => ("its rules do not allow this host".to_owned(), true),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => {
                ("it may not be a proxy that allows CONNECT".to_owned(), true)
            }
            StatusCode::NETWORK_AUTHENTICATION_REQUIRED => {
                ("the network wants a sign-in".to_owned(), true)
            }
            status if status.is_redirection() => ("it wants a sign-in elsewhere".to_owned(), true),
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => ("it cannot reach the host".to_owned(), false),
            _ => ("it gives no tunnel".to_owned(), false),
        };
        Self {
            cause: format!("it answered HTTP {}: {advice}", status.as_u16()),
            is_lasting,
        }
    }
}

/// Returns the known methods that the proxy offers.
fn methods<B>(answer: &Response<B>) -> Vec<&'static str> {
    let offers = answer.headers().get_all(PROXY_AUTHENTICATE);
    let offers: Vec<&str> = offers
        .iter()
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','))
        .filter_map(|part| part.split_whitespace().next())
        .collect();
    let is_offered = |method: &&str| {
        offers
            .iter()
            .any(|offer| offer.eq_ignore_ascii_case(method))
    };
    METHODS.into_iter().filter(is_offered).collect()
}

fn authentication(methods: &[&str], has_password: bool) -> String {
    match methods {
        [] | ["Basic", ..] if has_password => {
            "it does not accept the user and password in the variable".to_owned()
        }
        [] | ["Basic", ..] => "it wants a user and password; put them into the variable".to_owned(),
        others => format!(
            "it wants {}, and authseal speaks Basic only; let it allow this server without, or put \
             a proxy such as cntlm between",
            others.join(" or ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, offers: &[&str]) -> Response<()> {
        let answer = Response::builder().status(status);
        let with = |answer: http::response::Builder, offer: &&str| {
            answer.header(PROXY_AUTHENTICATE, *offer)
        };
        let answer = offers.iter().fold(answer, with);
        answer.body(()).unwrap()
    }

    #[test]
    fn the_method_that_the_proxy_offers_decides_what_to_do() {
        for (offers, has_password, words) in [
            (
                &["NTLM", "Negotiate"][..],
                true,
                "it wants NTLM or Negotiate,",
            ),
            (&["negotiate, ntlm"], false, "it wants NTLM or Negotiate,"),
            (
                &["Digest realm=\"a, b\", qop=auth"],
                true,
                "it wants Digest,",
            ),
            (&["Kerberos"], true, "it wants Kerberos,"),
            (&["NTLM", "BASIC realm=x"], true, "does not accept the user"),
            (
                &["Basic realm=\"never-print\""],
                false,
                "wants a user and password",
            ),
            (&[], true, "does not accept the user"),
            (&["never-print"], false, "wants a user and password"),
        ] {
            let fault = NoTunnel::of_answer(&answer(407, offers), has_password);
            assert!(fault.cause.contains(words), "{}", fault.cause);
            assert!(
                fault.is_lasting && !fault.cause.contains("never"),
                "{}",
                fault.cause
            );
        }
    }

    #[test]
    fn a_proxy_that_refuses_lasts_and_one_that_fails_passes() {
        for (status, is_lasting) in [
            (302, true),
            (403, true),
            (405, true),
            (511, true),
            (429, false),
            (502, false),
            (504, false),
        ] {
            let fault = NoTunnel::of_answer(&answer(status, &[]), false);
            assert_eq!(fault.is_lasting, is_lasting, "{}", fault.cause);
        }
    }
}
