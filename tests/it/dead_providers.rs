//! Kept connections to a provider that go dead: at most one call is lost on each.
//!
//! The clock is paused. It moves to the next timer when nothing else is left to do.

use std::time::Duration;

use authseal::outbound::{Outbound, OutboundError};
use http::{Request, StatusCode};
use tokio::time::{Instant, error::Elapsed, sleep, timeout};

use crate::support::{Death, DyingProvider, PATIENCE, kept_alive, watched};

/// Deadline of a call.
const DEADLINE: Duration = Duration::from_secs(20);
/// A PING after ten seconds of silence, five seconds for its answer, and a last look at each.
const PING_FAILS_WITHIN: Duration = Duration::from_secs(16);

async fn ask(
    outbound: &Outbound,
    provider: &DyingProvider,
) -> Result<Result<StatusCode, OutboundError>, Elapsed> {
    let answer = timeout(DEADLINE, outbound.send(request(provider))).await?;
    Ok(answer.map(|answer| answer.status()))
}

fn request(provider: &DyingProvider) -> Request<Vec<u8>> {
    let request = Request::post(format!("https://localhost:{}/token", provider.port()));
    request.body(b"grant_type=refresh_token".to_vec()).unwrap()
}

async fn assert_good(outbound: &Outbound, provider: &DyingProvider, what: &str) {
    let answer = ask(outbound, provider).await;
    assert!(
        matches!(answer, Ok(Ok(StatusCode::OK))),
        "{what}: {answer:?}"
    );
}

/// A provider whose first connection has just gone dead, and its client.
async fn dead(death: Death) -> (DyingProvider, Outbound) {
    let provider = DyingProvider::start(death).await;
    let outbound = provider.outbound();
    assert_good(&outbound, &provider, "the first call").await;
    (provider, outbound)
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_a_call_was_given_up_takes_no_further_one() {
    for death in [
        Death::AnswersOnlyPings,
        Death::AllowsNoStreams,
        Death::Http1AnswersNothing,
    ] {
        let (provider, outbound) = dead(death).await;
        let lost = ask(&outbound, &provider).await;
        assert!(lost.is_err(), "{death:?}: {lost:?}");
        for _ in 0..3 {
            assert_good(&outbound, &provider, &format!("{death:?}")).await;
        }
        assert_eq!(provider.seen().opened, 2, "{death:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_holds_by_way_of_a_proxy() {
    for death in [Death::AnswersOnlyPings, Death::Http1AnswersNothing] {
        let provider = DyingProvider::start(death).await;
        let outbound = provider.outbound_through_proxy();
        assert_good(&outbound, &provider, "the first call").await;
        assert!(ask(&outbound, &provider).await.is_err(), "{death:?}");
        assert_good(&outbound, &provider, &format!("{death:?}")).await;
        assert_eq!(provider.seen().opened, 2, "{death:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_ends_a_call_on_a_dead_connection_in_time_for_another_one() {
    for death in [Death::AnswersNothing, Death::ReadsNothing] {
        let (provider, outbound) = dead(death).await;
        let began = Instant::now();
        let lost = ask(&outbound, &provider).await;
        assert!(
            matches!(lost, Ok(Err(OutboundError::Broken { .. }))),
            "{death:?}: {lost:?}"
        );
        assert!(began.elapsed() < PING_FAILS_WITHIN, "{death:?}");
        assert_good(&outbound, &provider, &format!("{death:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_finds_an_idle_connection_dead_before_a_call_is_lost() {
    for death in [Death::AnswersNothing, Death::ReadsNothing] {
        let (provider, outbound) = dead(death).await;
        sleep(PING_FAILS_WITHIN).await;
        assert_good(&outbound, &provider, &format!("{death:?}")).await;
        assert_eq!(provider.seen().opened, 2, "{death:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_a_call_was_broken_off_takes_no_further_one() {
    let (provider, outbound) = dead(Death::ResetsStreams).await;
    let lost = ask(&outbound, &provider).await;
    assert!(
        matches!(lost, Ok(Err(OutboundError::Broken { .. }))),
        "{lost:?}"
    );
    assert_good(&outbound, &provider, "after RST_STREAM").await;
    assert_eq!(provider.seen().opened, 2);
}

#[tokio::test(start_paused = true)]
async fn after_goaway_the_next_call_takes_another_connection() {
    let (provider, outbound) = dead(Death::SaysGoAway).await;
    assert_good(&outbound, &provider, "after GOAWAY").await;
    assert_eq!(provider.seen().opened, 2);
}

/// hyper would keep it for as long as the provider answers PINGs.
#[tokio::test(start_paused = true)]
async fn a_connection_that_allows_no_streams_is_closed_in_the_end() {
    let (provider, outbound) = dead(Death::AllowsNoStreams).await;
    assert!(ask(&outbound, &provider).await.is_err());
    let closing = timeout(Duration::from_secs(90), provider.closed(1)).await;
    assert!(closing.is_ok(), "{:?}", provider.seen());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_ninety_seconds_at_the_latest() {
    for death in [Death::Never, Death::Http1Never] {
        let (provider, outbound) = dead(death).await;
        sleep(Duration::from_secs(1)).await;
        assert_good(&outbound, &provider, &format!("{death:?}")).await;
        let idle_since = Instant::now();
        provider.closed(1).await;
        let idle = idle_since.elapsed();
        let wanted = Duration::from_secs(44)..Duration::from_secs(91);
        assert!(wanted.contains(&idle), "{death:?}: {idle:?}");
        assert_eq!(provider.seen().opened, 1, "{death:?}");
    }
}

#[tokio::test]
async fn an_endless_run_of_1xx_responses_is_cut_off() {
    for death in [Death::Informs, Death::Http1Informs] {
        let provider = DyingProvider::start(death).await;
        let outbound = provider.outbound();
        let answer = timeout(PATIENCE, outbound.send(request(&provider))).await;
        assert!(
            matches!(answer, Ok(Err(OutboundError::Broken { .. }))),
            "{death:?}: {answer:?}"
        );
        // Two megabytes, and what the sockets on the way hold.
        let informed = provider.seen().informed;
        assert!(informed < 32 * 1024 * 1024, "{death:?}: {informed}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_watches_connections_to_providers_and_proxies() {
    for death in [Death::Never, Death::Http1Never] {
        let provider = DyingProvider::start(death).await;
        for outbound in [provider.outbound(), provider.outbound_through_proxy()] {
            assert_good(&outbound, &provider, "a call").await;
            watched(|| kept_alive(provider.port())).await;
            drop(outbound);
            provider.closed(provider.seen().opened).await;
        }
    }
}
