//! Error pages of logins.

use std::fmt::Display;

use http::StatusCode;

use super::{
    api_error::ApiError, capitalised, error_page::Explanation, login_token::not_a_login_token,
};
use crate::{
    limit::TooOften,
    login::LoginError,
    pages::{Language, Markup, PageTexts},
    provider::{Cure, LoginMethod, ProviderError, Refusal, Service},
    server::{Reply, exchange::Exchange, reply},
};

impl Exchange<'_> {
    /// Returns the page for a failed login. `visit` is the nonce for links to another
    /// attempt.
    pub(in crate::server) fn login_failed(&self, error: &LoginError, visit: Option<&str>) -> Reply {
        let page = self.error_page_with_start(self.explain_login(error, visit));
        match error {
            LoginError::TooOften(limit) => reply::set_retry_after(page, Some(limit.retry_after)),
            LoginError::Provider { error, .. } => reply::set_retry_after(page, error.retry_after()),
            _ => page,
        }
    }

    /// Returns the page for limits that can't be set.
    pub(in crate::server) fn no_limits(&self, why: &impl Display) -> Reply {
        self.error_page_with_start(no_limits(self.language(), why))
    }

    fn explain_login<'e>(&self, error: &'e LoginError, visit: Option<&str>) -> Explanation<'e> {
        let again = |service: &Service| self.server.login_path(service, visit);
        let language = self.language();
        let t = language.texts();
        match error {
            LoginError::UnknownService { .. } => Explanation::new(
                StatusCode::NOT_FOUND,
                t.no_such_service(),
                t.no_such_service_happened(),
                t.no_such_service_advice(),
            ),
            LoginError::NotBegun => Explanation::new(
                StatusCode::BAD_REQUEST,
                t.login_not_finished(),
                t.login_not_begun(),
                t.login_not_begun_advice(),
            ),
            LoginError::TooOften(TooOften { retry_after }) => Explanation::new(
                StatusCode::TOO_MANY_REQUESTS,
                t.too_many_logins(),
                t.too_many_logins_happened(),
                t.too_many_logins_advice(&retry_after.as_secs().max(1)),
            ),
            LoginError::RefusedUnknown { provider, refusal } => {
                refused_unknown(language, provider.as_deref(), refusal)
            }
            LoginError::AdminConsent => Explanation::new(
                StatusCode::BAD_REQUEST,
                t.no_login_yet(),
                t.no_login_yet_happened(),
                t.no_login_yet_advice(),
            ),
            LoginError::AdminConsentRefused { refusal } => {
                consent_refused(language, refusal.as_deref())
            }
            LoginError::RefusedAtProvider {
                service,
                error,
                description,
                refusal,
            } => refused_at_provider(language, service, refusal)
                .link(t.try_again(), again(service))
                .quote(error, description.as_deref()),
            LoginError::ScopesMissing { service, missing } => {
                scopes_missing(language, service, missing).link(t.log_in_again(), again(service))
            }
            LoginError::AnotherPath { service } => {
                another_sender(t, service, t.came_from_another_path(&service.provider.name))
                    .link(t.try_again(), again(service))
            }
            LoginError::AnotherIssuer { service, issuer } => another_sender(
                t,
                service,
                t.came_from_another_issuer(&service.provider.name),
            )
            .link(t.try_again(), again(service))
            .quote("iss", Some(issuer)),
            LoginError::UnknownRegion { service } => Explanation::new(
                StatusCode::BAD_REQUEST,
                t.came_from_unknown_place(&service.provider.name),
                t.came_from_unknown_place_happened(),
                t.tell_administrator(),
            ),
            LoginError::NotALoginToken { service, why } => Explanation::new(
                StatusCode::BAD_REQUEST,
                t.no_login_token_of(&service.provider.name),
                not_a_login_token(language, why),
                t.no_login_token_advice(),
            )
            .link(t.try_again(), again(service)),
            LoginError::Provider {
                service,
                error: provider_error,
            } => {
                let advice = match error.may_come_again() {
                    true => t.login_comes_again(),
                    false if matches!(provider_error, ProviderError::GrantRefused(_)) => {
                        t.no_authid_log_in_again()
                    }
                    false => t.no_authid(),
                };
                self.no_token(service, provider_error, advice)
                    .link(t.try_again(), again(service))
            }
            LoginError::NoRefreshToken { service } => {
                no_refresh_token(language, service, again(service))
            }
            LoginError::UserName(why) => Explanation::new(
                StatusCode::BAD_REQUEST,
                t.user_not_sealed(),
                t.user_not_sealed_happened(&language.english(&why.to_string())),
                t.tell_administrator(),
            ),
            LoginError::WiderLimits(wider) => no_limits(language, wider),
            LoginError::NothingToLimit { service } => Explanation::new(
                StatusCode::BAD_REQUEST,
                t.nothing_to_limit(),
                t.nothing_to_limit_happened(&service.provider.name),
                t.nothing_to_limit_advice(),
            )
            .link(
                t.log_in_without_limits(),
                self.server.login_path(service, None),
            ),
            LoginError::NoSealingKey(_) => Explanation::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                t.cannot_seal(),
                t.cannot_seal_happened(),
                t.tell_administrator(),
            ),
        }
    }

    fn no_token(
        &self,
        service: &Service,
        error: &ProviderError,
        advice: Markup,
    ) -> Explanation<'static> {
        let provider = &service.provider;
        let api_error = match error {
            ProviderError::ClientRejected(refusal) => {
                ApiError::client_rejected(&provider.name, &service.credentials.variables(), refusal)
            }
            error => ApiError::of_provider(&provider.name, error),
        };
        let status = match (error, &provider.login) {
            // A login token is typed by its user; a code comes from the provider itself.
            (ProviderError::GrantRefused(_), LoginMethod::Code { .. }) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => api_error.status(),
        };
        let title = self.texts().gave_no_token(&provider.name);
        let happened = match error {
            // There is no login yet that could be over.
            ProviderError::GrantRefused(_) => {
                let words = api_error.words_on_page(self.language(), &self.server.login_url());
                self.texts().reason_login_refused(&words)
            }
            _ => api_error.on_page(self.language(), &self.server.login_url()),
        };
        Explanation::new(status, title, happened, advice)
    }
}

/// Explains limits for an AuthID that can't be set.
fn no_limits(language: Language, why: &impl Display) -> Explanation<'static> {
    let t = language.texts();
    Explanation::new(
        StatusCode::BAD_REQUEST,
        t.limits_not_set(),
        language.english(&format!("{}.", capitalised(why))),
        t.limits_not_set_advice(),
    )
}

/// Returns the advice on a refusal, which says whose turn it is. It stands in English in
/// providers.toml; another language says before it who can help.
fn advice(language: Language, refusal: &Refusal) -> Option<Markup> {
    let t = language.texts();
    let advice = language.english(refusal.advice.as_ref()?);
    Some(match refusal.cure {
        Some(Cure::Login) => t.advice_to_log_in(&advice),
        Some(Cure::User) => t.advice_to_the_user(&advice),
        Some(Cure::Organisation) => t.advice_to_the_organisation(&advice),
        Some(Cure::Server) => advice.then(&t.tell_administrator()),
        Some(Cure::Wait) => t.advice_to_wait(&advice),
        None => advice,
    })
}

fn refused_at_provider(
    language: Language,
    service: &Service,
    refusal: &Refusal,
) -> Explanation<'static> {
    let (t, provider) = (language.texts(), &service.provider.name);
    Explanation::new(
        StatusCode::BAD_REQUEST,
        t.refused_the_login(provider),
        t.refused_the_login_happened(provider),
        advice(language, refusal)
            .or_else(|| undeclined(t, refusal))
            .unwrap_or_else(|| t.refused_the_login_advice()),
    )
}

/// Explains the return of an administrator without consent. It shows a known code and no text of
/// the answer.
fn consent_refused(language: Language, refusal: Option<&Refusal>) -> Explanation<'static> {
    let t = language.texts();
    let others = [Some(Cure::Organisation), Some(Cure::Server)];
    let known = refusal.filter(|refusal| others.contains(&refusal.cure));
    let code = refusal.map_or(String::new(), |refusal| format!(" ({refusal})"));
    Explanation::new(
        StatusCode::BAD_REQUEST,
        t.no_consent(),
        t.no_consent_happened(&code),
        known
            .and_then(|refusal| advice(language, refusal))
            .unwrap_or_else(|| t.no_consent_advice()),
    )
}

/// Explains a mix-up attack (RFC 9700 section 4.4), or a mistake in providers.toml.
fn another_sender(t: &PageTexts, service: &Service, happened: Markup) -> Explanation<'static> {
    let provider = &service.provider;
    Explanation::new(
        StatusCode::BAD_REQUEST,
        t.not_from_provider(&provider.name),
        happened,
        t.not_from_provider_advice(&provider.id),
    )
}

/// Explains a refusal that belongs to no login of this browser. It shows a known code and no
/// text of the answer.
fn refused_unknown(
    language: Language,
    provider: Option<&str>,
    refusal: &Refusal,
) -> Explanation<'static> {
    let (t, code) = (language.texts(), refusal.to_string());
    Explanation::new(
        StatusCode::BAD_REQUEST,
        t.login_not_finished(),
        match provider {
            Some(provider) => t.refused_unknown(provider, &code),
            None => t.the_provider_refused_unknown(&code),
        },
        advice(language, refusal)
            .or_else(|| undeclined(t, refusal))
            .unwrap_or_else(|| t.refused_unknown_advice()),
    )
}

/// Returns the advice on a standard code that says that nobody declined.
fn undeclined(t: &PageTexts, refusal: &Refusal) -> Option<Markup> {
    match refusal.code.as_str() {
        "server_error" | "temporarily_unavailable" | "slow_down" => Some(t.provider_has_a_fault()),
        "login_required"
        | "interaction_required"
        | "account_selection_required"
        | "consent_required" => Some(t.provider_wants_you()),
        _ if refusal.blames_the_application() => Some(t.nobody_declined()),
        _ => None,
    }
}

/// Explains a login that gives access to less than was asked for.
fn scopes_missing(
    language: Language,
    service: &Service,
    missing: &[String],
) -> Explanation<'static> {
    let (t, provider) = (language.texts(), &service.provider);
    let refusal = provider.refused_login(Refusal::SCOPE_MISSING, "");
    Explanation::new(
        StatusCode::BAD_REQUEST,
        t.not_all_permissions(&provider.name),
        t.not_all_permissions_happened(&missing.join(" ")),
        advice(language, &refusal).unwrap_or_else(|| t.not_all_permissions_advice()),
    )
}

/// Explains a login without a refresh token.
fn no_refresh_token(language: Language, service: &Service, again: String) -> Explanation<'static> {
    let (t, provider) = (language.texts(), &service.provider);
    let refusal = provider.refused_login(Refusal::NO_REFRESH_TOKEN, "");
    let explanation = Explanation::new(
        StatusCode::SERVICE_UNAVAILABLE,
        t.no_refresh_token(&provider.name),
        t.no_refresh_token_happened(&provider.name),
        advice(language, &refusal).unwrap_or_else(|| t.no_refresh_token_advice()),
    );
    let explanation = match &service.manage_url {
        Some(url) => explanation.link(t.see_who_has_access(), url.to_string()),
        None => explanation,
    };
    explanation.link(t.log_in_again(), again)
}
