//! What must hold for every case of a kind; and in every one of them, that nothing
//! panics anywhere in this process, and that memory stays below a limit.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    io::{self, Write as _},
    panic,
    sync::{Mutex, MutexGuard, Once, PoisonError},
    time::{Duration, Instant},
};

use peak_alloc::PeakAlloc;
use proptest::{
    strategy::Strategy,
    test_runner::{
        Config, FileFailurePersistence, RngSeed, TestCaseError, TestCaseResult, TestRunner,
    },
};
use tokio::runtime::{Builder, Runtime};

pub const MB: usize = 1024 * 1024;

/// How many cases the cheapest property has when nothing is said of it.
const FEW_CASES: u32 = 1_000;
/// The same ones every time, so that nobody's commit fails for another's bug.
const USUAL_SEED: u64 = 1;
/// A case that takes longer, on a busy machine too, has found something.
const LONGEST_CASE: Duration = Duration::from_secs(30);
/// Shrinking a case that costs milliseconds must end some day.
const MAX_SHRINK_STEPS: u32 = 5_000;

// Panics and memory are the whole process's, so one property runs at a time.
static TURN: Mutex<()> = Mutex::new(());
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A property whose turn it is.
pub struct Property {
    name: &'static str,
    /// It has one of so many cases: dear ones are fewer.
    share: u32,
    /// By how many bytes memory may grow.
    limit: usize,
    tally: RefCell<BTreeMap<String, u64>>,
    _turn: MutexGuard<'static, ()>,
}

impl Property {
    /// Waits for its turn. What it needs is best made after that.
    pub fn alone(name: &'static str, share: u32, limit: usize) -> Self {
        let turn = lock(&TURN);
        record_panics();
        Self {
            name,
            share,
            limit,
            tally: RefCell::default(),
            _turn: turn,
        }
    }

    /// Counts how a case ended, for the report.
    pub fn count(&self, outcome: impl Into<String>) {
        *self.tally.borrow_mut().entry(outcome.into()).or_default() += 1;
    }

    /// How many cases ended so.
    pub fn counted(&self, outcome: impl Fn(&str) -> bool) -> u64 {
        let tally = self.tally.borrow();
        let counts = tally.iter().filter(|(name, _)| outcome(name));
        counts.map(|(_, count)| count).sum()
    }

    /// Tries it. Returns how many cases there were.
    pub fn holds<S: Strategy>(&self, cases: S, test: impl Fn(S::Value) -> TestCaseResult) -> u64 {
        let config = self.config();
        let seed = config.rng_seed;
        if seed != RngSeed::Fixed(USUAL_SEED) {
            // Not captured: it is all that is left of a run that is aborted.
            let _ = writeln!(io::stderr(), "{} with PROPTEST_RNG_SEED={seed}", self.name);
        }
        lock(&PANICS).clear();
        PeakAlloc.reset_peak_usage();
        let baseline = PeakAlloc.current_usage();
        let grown = || PeakAlloc.peak_usage().saturating_sub(baseline);
        let slowest = Cell::new(Duration::ZERO);
        let tried = Cell::new(0);
        let start = Instant::now();
        let result = TestRunner::new(config).run(&cases, |case| {
            let start = Instant::now();
            let result = test(case);
            slowest.set(slowest.get().max(start.elapsed()));
            tried.set(tried.get() + 1);
            result?;
            nobody_panicked()?;
            ensure(start.elapsed() < LONGEST_CASE, || "it took too long".into())?;
            self.bounded(grown())
        });
        println!(
            "{}: {} cases in {:.1} s, the slowest in {:?}; memory grew by {} KiB; {:?}",
            self.name,
            tried.get(),
            start.elapsed().as_secs_f64(),
            slowest.get(),
            grown() / 1024,
            self.tally.borrow(),
        );
        if let Err(error) = result {
            panic!("{}, with PROPTEST_RNG_SEED={seed}: {error}", self.name);
        }
        tried.get()
    }

    fn bounded(&self, grown: usize) -> TestCaseResult {
        if grown > self.limit {
            // So that the case is not shrunk to one that took nothing.
            PeakAlloc.reset_peak_usage();
        }
        ensure(grown <= self.limit, || {
            format!("memory grew by {grown} bytes")
        })
    }

    fn config(&self) -> Config {
        let is_set = |name| std::env::var_os(name).is_some();
        let mut config = Config::default();
        if !is_set("PROPTEST_CASES") {
            config.cases = FEW_CASES;
        }
        // With fewer, not every kind of outcome would be seen.
        config.cases = config.cases.max(FEW_CASES).div_ceil(self.share);
        if !is_set("PROPTEST_RNG_SEED") {
            config.rng_seed = RngSeed::Fixed(match is_set("PROPTEST_CASES") {
                true => RandomState::new().hash_one(self.name),
                false => USUAL_SEED,
            });
        }
        if config.failure_persistence.is_some() {
            let file = format!("tests/fuzz/regressions/{}.txt", self.name).leak();
            config.failure_persistence = Some(Box::new(FileFailurePersistence::Direct(file)));
        }
        config.max_shrink_iters = MAX_SHRINK_STEPS;
        config
    }
}

/// Fails the case unless it is so.
pub fn ensure(is_so: bool, why_not: impl FnOnce() -> String) -> TestCaseResult {
    match is_so {
        true => Ok(()),
        false => Err(TestCaseError::fail(why_not())),
    }
}

/// What a server and its clients run on.
pub fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// A panic in a server's task closes a connection at most, so the hook notes it.
fn record_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            lock(&PANICS).push(panic.to_string());
            usual(panic);
        }));
    });
}

fn nobody_panicked() -> TestCaseResult {
    let panics = std::mem::take(&mut *lock(&PANICS));
    ensure(panics.is_empty(), || panics.join("; "))
}

/// A failed property must not fail the others.
fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
