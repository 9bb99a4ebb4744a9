//! Deadlines after which an answer is looked for once more.
//!
//! A process can stand still for a minute: `docker pause`, SIGSTOP, a machine that is out of
//! memory. Afterwards all timers are due, and they fire before the sockets are read, although
//! the answer may have been in a socket all the time.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};
use tokio::time;

/// Extra time after a deadline, for an answer that is already in the socket buffer.
const LAST_LOOK: Duration = Duration::from_millis(250);

/// Waits for the answer that `work` brings, at most for `limit` and a last look. Returns
/// `None` if it has not come by then. `work` is pinned by the caller: passed by value, its
/// room would be reserved twice.
pub(crate) async fn within<T>(
    limit: Duration,
    mut work: impl Future<Output = T> + Unpin,
) -> Option<T> {
    match time::timeout(limit, &mut work).await {
        Ok(answer) => Some(answer),
        Err(_elapsed) => time::timeout(LAST_LOOK, work).await.ok(),
    }
}

/// A timer for hyper whose every sleep ends after a last look. hyper closes an HTTP/2
/// connection when a PING was not answered in time, with all answers that it has not read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastLookTimer;

#[derive(Debug)]
struct LastLookSleep {
    sleep: Pin<Box<time::Sleep>>,
    is_last_look: bool,
}

impl Timer for LastLookTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(LastLookSleep {
            sleep: Box::pin(time::sleep_until(deadline.into())),
            is_last_look: false,
        })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        if let Some(mut sleep) = sleep.as_mut().downcast_mut_pin::<LastLookSleep>() {
            sleep.sleep.as_mut().reset(new_deadline.into());
            sleep.is_last_look = false;
        }
    }
}

impl Sleep for LastLookSleep {}

impl Future for LastLookSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        ready!(self.sleep.as_mut().poll(context));
        if !self.is_last_look {
            self.is_last_look = true;
            self.sleep.as_mut().reset(time::Instant::now() + LAST_LOOK);
            ready!(self.sleep.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);
    const STANDSTILL: Duration = Duration::from_secs(65);

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_came_during_a_standstill_is_taken() {
        let (sender, receiver) = oneshot::channel();
        let waiting = tokio::spawn(within(LIMIT, receiver));
        tokio::task::yield_now().await;
        // The deadline is over before the task that reads the socket has its turn.
        time::advance(STANDSTILL).await;
        tokio::task::yield_now().await;
        sender.send("answer").unwrap();
        assert_eq!(waiting.await.unwrap(), Some(Ok("answer")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_given_up() {
        let began = time::Instant::now();
        assert_eq!(within(LIMIT, std::future::pending::<()>()).await, None);
        assert!(began.elapsed() < LIMIT + 2 * LAST_LOOK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_of_hyper_lasts_beyond_a_standstill() {
        let timer = LastLookTimer;
        let mut sleep = timer.sleep(LIMIT);
        time::advance(STANDSTILL).await;
        let resumed = time::Instant::now();
        sleep.as_mut().await;
        assert!(resumed.elapsed() >= LAST_LOOK);
        timer.reset(&mut sleep, timer.now() + LIMIT);
        let again = time::Instant::now();
        sleep.await;
        assert!(again.elapsed() >= LIMIT);
    }
}
