//! A day's load in a few minutes, beside what a model of it predicts: one JSON object.
//!
//!     simulate-day CLIENTS HOURS REPLICAS
//!
//! Each client has an AuthID and asks every hour, at its own moment plus up to five minutes,
//! a replica chosen at random. Six of ten have tokens of an hour, three tokens of four hours
//! (Dropbox), and one has tokens of an hour and asks again ten minutes later. A replica is
//! a `RefreshEngine`; their clock stands still until all who are due then are answered. The
//! token endpoints are `provider-stub`s, which must be beside this program and are not in
//! its CPU seconds and resident bytes.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    mem,
    process::{Child, Command, Stdio, id},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use authseal::{
    clock::{Clock, UnixTime},
    config::Config,
    environment::Environment,
    keyring::{Jwk, Keyring},
    outbound::Outbound,
    provider::{Catalog, ProviderClient, RetryPauses},
    refresh::{AuthIdReader, RefreshEngine, RefreshError},
    seal::{Grant, Lineage, seal},
    secret::Secret,
    store::Memory,
    telemetry::Metrics,
};
use authseal_benches::{arguments, expect, random_token};
use hyper::Request;
use tokio::task::JoinSet;

/// As in the `authseal` program, for its memory is what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START: UnixTime = UnixTime(1_800_000_000);
const HOUR: u64 = 3600;
/// A client asks less than this after its moment of the hour.
const JITTER: u64 = 300;
const TASKS: usize = 64;
/// For an access token of 220 characters: 224 in mimalloc, 112 for the `CachedToken`, some
/// 75 in quick_cache's tables, which double now and then. (`benches/run --only memory` says
/// 426 of 100,000 tokens, with what a server has for its connections.)
const BYTES_PER_TOKEN: f64 = 412.0;
/// Room for more tokens than there can be.
const CACHE_BYTES: u64 = 1 << 40;

/// How the clients of one service ask.
struct Habit {
    service: &'static str,
    /// Of ten clients.
    share: f64,
    /// Of its access tokens, in seconds.
    lifetime: u64,
    /// When it asks, after the first time in the hour.
    minutes: &'static [u64],
}

#[rustfmt::skip]
const HABITS: [Habit; 3] = [
    Habit { service: "hourly", share: 6.0, lifetime: HOUR, minutes: &[0] },
    Habit { service: "four-hours", share: 3.0, lifetime: 4 * HOUR, minutes: &[0] },
    Habit { service: "twice", share: 1.0, lifetime: HOUR, minutes: &[0, 10] },
];

fn habit(client: u32) -> &'static Habit {
    &HABITS[[0, 0, 0, 0, 0, 0, 1, 1, 1, 2][client as usize % 10]]
}

impl Habit {
    /// When a client asks, but for jitter, after it did for the first time.
    fn times(&self, hours: u64) -> impl Iterator<Item = u64> {
        let asks = |hour| self.minutes.iter().map(move |m| hour * HOUR + m * 60);
        (0..hours).flat_map(asks)
    }

    /// F: for how long a token is handed out (`CachedToken::fresh_until`).
    fn fresh_for(&self) -> u64 {
        self.lifetime - (self.lifetime / 10).clamp(30, 300)
    }

    /// The model: provider calls for one client, with replicas whose caches are empty first.
    ///
    /// A replica gets each ask with probability 1/r. It calls unless it called for an earlier
    /// ask whose token is still fresh; at most one of those was a call. So at each replica
    /// c(i) = (1/r) (1 - sum of c(j) over the j < i with t(i) - t(j) < F). In the long run
    /// calls / asks is r / (r + k) for k more asks within F of a call, of which the same
    /// replica gets k/r. With r = 1 and an ask every P seconds it's 1 / (1 + floor(F/P)).
    ///
    /// Jitter moves two asks by less than 300 s against each other, and no distance of two is
    /// so near to F that it changes sides: the nearest are 3000 and 3600 s to 3300 s, 10800
    /// and 14400 s to 14100 s. So the borderline case has probability 0.
    fn calls(&self, hours: u64, replicas: f64) -> f64 {
        let mut calls: Vec<(u64, f64)> = Vec::new();
        for time in self.times(hours) {
            let earlier = calls.iter().rev();
            let fresh = earlier.take_while(|(then, _)| time - then < self.fresh_for());
            let covered: f64 = fresh.map(|(_, call)| call).sum();
            calls.push((time, (1.0 - covered) / replicas));
        }
        replicas * calls.iter().map(|(_, call)| call).sum::<f64>()
    }

    /// What n asks of one client leave in caches, fresh or not: a token at each replica that
    /// was asked, r (1 - (1 - 1/r)^n).
    fn tokens(&self, hours: u64, replicas: f64) -> f64 {
        let asks = self.times(hours).count() as f64;
        replicas * (1.0 - (1.0 - 1.0 / replicas).powf(asks))
    }
}

/// A number below `bound` that looks random (splitmix64), always the same for a seed.
fn random(seed: u64, bound: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % bound
}

#[derive(Default)]
struct Simulation {
    authids: Vec<Secret>,
    replicas: Vec<RefreshEngine>,
    refreshes: AtomicU64,
    failures: AtomicU64,
    cached: AtomicU64,
}

impl Simulation {
    /// Adds whoever asks in this hour to those that are `due`, by second of two hours.
    fn plan(&self, hour: u64, due: &mut [Vec<u32>]) {
        for client in 0..self.authids.len() as u32 {
            let seed = u64::from(client) << 32;
            let moment = random(seed, HOUR) + random(seed + 1 + hour, JITTER);
            for after in habit(client).times(1) {
                due[(hour * HOUR + moment + after) as usize % due.len()].push(client);
            }
        }
    }

    /// Lets all of these ask, several at once.
    async fn run_second(self: &Arc<Self>, second: u64, due: Vec<u32>) {
        let (due, next) = (Arc::new(due), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS.min(due.len()) {
            let (this, due, next) = (self.clone(), due.clone(), next.clone());
            tasks.spawn(async move {
                while let Some(client) = due.get(next.fetch_add(1, Relaxed)) {
                    let result = this.ask(second, *client).await;
                    this.refreshes.fetch_add(1, Relaxed);
                    this.failures.fetch_add(result.is_err().into(), Relaxed);
                }
            });
        }
        tasks.join_all().await;
    }

    async fn ask(&self, second: u64, client: u32) -> Result<(), RefreshError> {
        let seed = !(second << 32 | u64::from(client));
        let engine = &self.replicas[random(seed, self.replicas.len() as u64) as usize];
        let holder = engine
            .open(self.authids[client as usize].expose(), None)
            .await?;
        let refreshed = engine.refresh(&holder).await?;
        // A new token has all its life before it: the clock stands still.
        if refreshed.expires_in.as_secs() < habit(client).lifetime {
            self.cached.fetch_add(1, Relaxed);
        }
        Ok(())
    }
}

/// A `provider-stub` that ends with this.
struct Stub(Child, String);

impl Stub {
    fn start(habit: &Habit) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut stub = Command::new(program.with_file_name("provider-stub"));
        let lifetime = habit.lifetime.to_string();
        stub.args(["220", &lifetime]).stdout(Stdio::piped());
        let mut process = stub.spawn().expect("it is beside this program");
        let stdout = process.stdout.as_mut().expect("it is piped");
        let url = BufReader::new(stdout).lines().next();
        let url = url.and_then(Result::ok).expect("it prints its address");
        Self(process, url)
    }

    async fn calls(&self) -> f64 {
        let request = Request::get(&self.1).body(Vec::new()).expect("it is valid");
        let answer = Outbound::new(Default::default()).send(request).await;
        let count = String::from_utf8(answer.expect("it answers").body().to_vec());
        let count = count.ok().and_then(|count| count.parse().ok());
        count.expect("it counts calls")
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // A failure means that it is gone already.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Settings under which every habit's service has a stub for its provider.
fn config(stubs: &[Stub]) -> Config {
    let key = Jwk::generate(START, Duration::ZERO).to_json();
    let table = |(habit, Stub(_, url)): (&Habit, &Stub)| {
        let id = habit.service;
        format!(
            "provider.{id} = {{ name = 'Stub', credentials = ['STUB'], refresh_tokens = 'stable', \
             authorize_url = '{url}/', token_url = '{url}/' }}\nservice.{id} = {{ provider = '{id}', \
             name = 'Stub', scope = 'files', manage_url = 'https://provider.example/' }}\n"
        )
    };
    let tables: String = HABITS.iter().zip(stubs).map(table).collect();
    let file = env::temp_dir().join(format!("simulate-day-{}.toml", id()));
    fs::write(&file, tables).expect("the folder for temporary files is writable");
    let config = Config::load(Environment::new([
        ("AUTHSEAL_PUBLIC_URL", "http://127.0.0.1:8080"),
        ("AUTHSEAL_PROVIDERS", &file.to_string_lossy()),
        ("AUTHSEAL_KEYS", &format!("{{\"keys\":[{}]}}", key.expose())),
        ("STUB_CLIENT_ID", "simulated"),
        ("STUB_CLIENT_SECRET", "simulated"),
    ]));
    fs::remove_file(&file).expect("it was written here");
    config.expect("these settings are good")
}

fn replica(catalog: &Arc<Catalog>, keyring: &Arc<Keyring>, clock: &Clock) -> RefreshEngine {
    let metrics = Arc::new(Metrics::new());
    let memory = Memory::new(clock.clone(), CACHE_BYTES);
    let outbound = Outbound::new(Default::default());
    let provider = ProviderClient::new(
        outbound,
        Duration::from_secs(20),
        RetryPauses::default(),
        Duration::from_secs(5),
        catalog,
        &metrics,
    );
    let authids = AuthIdReader {
        catalog: catalog.clone(),
        old_authids: authseal::oauth_server::OldAuthIds::new(false, None, clock.clone()),
        keyring: keyring.clone(),
        limit: None,
        new_limits: Default::default(),
        clock: clock.clone(),
        metrics,
    };
    RefreshEngine::new(authids, provider, CACHE_BYTES, memory, None)
}

fn authid(keyring: &Keyring, client: u32) -> Secret {
    let grant = Grant {
        service: habit(client).service.into(),
        refresh_token: Secret::new(random_token(110)),
        issued_at: START,
        lineage: Lineage::random(),
        generation: 0,
        region: None,
        client: None,
        ancestry: Default::default(),
        terms: None,
    };
    seal(&keyring.current(), START, &grant).expect("the key seals")
}

/// Of this process: utime + stime in seconds, and resident bytes.
fn cpu_and_memory() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/self/stat").expect("this is Linux");
    let number = |field: &str| field.parse().unwrap_or(0.0);
    let fields: Vec<f64> = stat.split(' ').map(number).collect();
    // Linux counts in hundredths, and in pages of 4 KiB.
    ((fields[13] + fields[14]) / 100.0, fields[23] * 4096.0)
}

fn compared(name: &str, measured: f64, model: f64) -> String {
    let ratio = measured / model;
    format!("\"{name}\":{{\"measured\":{measured},\"model\":{model:.0},\"ratio\":{ratio:.4}}}")
}

#[tokio::main]
async fn main() {
    let mut arguments = arguments();
    let clients: u32 = expect(&mut arguments, "CLIENTS");
    let hours: u64 = expect(&mut arguments, "HOURS");
    let count: u32 = expect(&mut arguments, "REPLICAS");

    let stubs = HABITS.each_ref().map(Stub::start);
    let config = config(&stubs);
    let (catalog, keyring) = (Arc::new(config.offer.catalog), Arc::new(config.keyring));
    let clock = Clock::manual(START);
    let sealed = |client| authid(&keyring, client);
    let started = |_| replica(&catalog, &keyring, &clock);
    let simulation = Arc::new(Simulation {
        authids: (0..clients).map(sealed).collect(),
        replicas: (0..count).map(started).collect(),
        ..Simulation::default()
    });
    let mut due = vec![Vec::new(); 2 * HOUR as usize];
    simulation.plan(0, &mut due);

    let (start, (cpu_before, before)) = (Instant::now(), cpu_and_memory());
    for second in 0..(hours + 2) * HOUR {
        if second % HOUR == 0 && (1..hours).contains(&(second / HOUR)) {
            simulation.plan(second / HOUR, &mut due);
        }
        let now = mem::take(&mut due[(second % (2 * HOUR)) as usize]);
        simulation.run_second(second, now).await;
        clock.advance(Duration::from_secs(1));
    }
    let (wall, (cpu, after)) = (start.elapsed().as_secs_f64(), cpu_and_memory());

    let (mut asks, mut calls, mut tokens) = (0.0, 0.0, 0.0);
    let (mut provider_calls, r) = (0.0, f64::from(count));
    for (habit, stub) in HABITS.iter().zip(&stubs) {
        let clients = f64::from(clients) / 10.0 * habit.share;
        asks += clients * habit.times(hours).count() as f64;
        calls += clients * habit.calls(hours, r);
        tokens += clients * habit.tokens(hours, r);
        provider_calls += stub.calls().await;
    }
    let loads = simulation.replicas.iter().map(RefreshEngine::load);
    println!(
        "{{\"clients\":{clients},\"hours\":{hours},\"replicas\":{count},\"refreshes\":{:?},\
         \"failures\":{:?},{},{},\"cached_tokens\":{:?},\"bytes_before\":{before},\
         \"bytes_after\":{after},{},\"wall_s\":{wall:.1},\"cpu_s\":{:.1}}}",
        simulation.refreshes,
        simulation.failures,
        compared("provider_calls", provider_calls, calls),
        compared(
            "cached",
            simulation.cached.load(Relaxed) as f64,
            asks - calls
        ),
        loads.map(|(tokens, _)| tokens).collect::<Vec<_>>(),
        compared("memory", after - before, tokens * BYTES_PER_TOKEN),
        cpu - cpu_before,
    );
}
