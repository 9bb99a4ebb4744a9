//! A provider call that is polled by the request that started it. A task takes it over if that
//! request ends before it: the call belongs to nobody. A task for every call would cost 2,700
//! instructions more (docs/performance.md).

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

/// A call in progress. It ends whether it is awaited or dropped.
pub(super) struct CarriedCall<F: Future<Output = ()> + Send + 'static> {
    /// `None` once it has ended.
    call: Option<Pin<Box<F>>>,
    runtime: Handle,
}

impl<F: Future<Output = ()> + Send + 'static> CarriedCall<F> {
    /// Must be called in a runtime, which takes the call over if it is dropped.
    pub(super) fn new(call: F) -> Self {
        Self {
            call: Some(Box::pin(call)),
            runtime: Handle::current(),
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> Future for CarriedCall<F> {
    type Output = ();

    /// A panic ends the call, and not the request: others wait for the same call.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(call) = &mut self.call else {
            return Poll::Ready(());
        };
        // After a panic the call is dropped, and nothing looks at it any more.
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context)));
        if let Ok(Poll::Pending) = polled {
            return Poll::Pending;
        }
        self.call = None;
        Poll::Ready(())
    }
}

impl<F: Future<Output = ()> + Send + 'static> Drop for CarriedCall<F> {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.runtime.spawn(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Waker,
    };

    use tokio::sync::{Notify, Semaphore};

    use super::*;
    use crate::{refresh::shared_calls::SharedCalls, seal::Lineage};

    /// Awaits of the call, at each of which its request may end.
    const AWAITS: usize = 5;

    /// Counts how often a call went past each await.
    struct Steps {
        open: Semaphore,
        passed: [AtomicUsize; AWAITS],
    }

    async fn call(steps: Arc<Steps>) -> usize {
        for passed in &steps.passed {
            steps.open.acquire().await.unwrap().forget();
            passed.fetch_add(1, Ordering::Relaxed);
        }
        AWAITS
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_call_goes_on_wherever_its_request_ends_and_is_made_once() {
        for await_of_the_end in 0..AWAITS {
            let steps = Arc::new(Steps {
                open: Semaphore::new(await_of_the_end),
                passed: Default::default(),
            });
            let (calls, lineage) = (Arc::new(SharedCalls::new()), Lineage::random());
            let mut first = Box::pin(calls.join(lineage, || {
                let steps = steps.clone();
                || call(steps)
            }));
            assert!(poll(first.as_mut()).is_pending());
            // One that came later waits for the same call.
            let second = calls.join(lineage, || || async { unreachable!() });
            let mut second = pin!(second);
            assert!(poll(second.as_mut()).is_pending());
            drop(first);
            steps.open.add_permits(AWAITS - await_of_the_end);
            assert_eq!(second.await, Some(AWAITS), "{await_of_the_end}");
            calls.wait_for_all().await;
            let passed = steps
                .passed
                .iter()
                .map(|passed| passed.load(Ordering::Relaxed));
            assert!(passed.eq([1; AWAITS]), "{await_of_the_end}");
            assert_eq!(calls.len(), 0);
        }
    }

    #[tokio::test]
    async fn the_end_of_the_server_waits_for_a_call_with_and_without_its_request() {
        for has_request in [true, false] {
            let (calls, go_on) = (Arc::new(SharedCalls::new()), Arc::new(Notify::new()));
            let wait = {
                let go_on = go_on.clone();
                || || async move { go_on.notified().await }
            };
            let mut request = Box::pin(calls.join(Lineage::random(), wait));
            assert!(poll(request.as_mut()).is_pending());
            let request = has_request.then_some(request);
            let mut end = pin!(calls.wait_for_all());
            assert!(poll(end.as_mut()).is_pending());
            go_on.notify_one();
            if let Some(request) = request {
                request.await;
            }
            end.await;
        }
    }

    #[tokio::test]
    async fn a_call_that_panics_ends_for_all_that_wait() {
        let (calls, lineage) = (Arc::new(SharedCalls::<()>::new()), Lineage::random());
        let steps = Arc::new(Notify::new());
        let panicking = {
            let steps = steps.clone();
            || {
                || async move {
                    steps.notified().await;
                    panic!("as the test wants")
                }
            }
        };
        let mut first = Box::pin(calls.join(lineage, panicking));
        assert!(poll(first.as_mut()).is_pending());
        let mut second = pin!(calls.join(lineage, || || async {}));
        assert!(poll(second.as_mut()).is_pending());
        steps.notify_one();
        assert_eq!(first.await, None);
        assert_eq!(second.await, None);
        assert_eq!(calls.join(lineage, || || async {}).await, Some(()));
    }
}
