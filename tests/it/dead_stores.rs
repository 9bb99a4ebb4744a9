//! A Redis that goes dead while the connection stands: one command is lost on it.

use std::{sync::Arc, time::Duration};

use authseal::{
    secret::Secret,
    store::{LeaseTimes, Name, RedisStore, StoreError, StoreUrl},
    telemetry::Metrics,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::Instant,
};

use crate::support::{kept_alive, watched};

/// Something that answers every command with the same, until it is told to be silent.
#[derive(Clone)]
struct FakeRedis {
    port: u16,
    state: watch::Sender<State>,
}

#[derive(Clone, Default)]
struct State {
    connections: usize,
    /// Connections up to this one are silent.
    silent: usize,
    commands: Vec<Vec<String>>,
}

impl FakeRedis {
    async fn start(answer: &'static str) -> (Self, RedisStore) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let redis = Self {
            port,
            state: watch::Sender::default(),
        };
        let url = StoreUrl::parse(&format!("redis://127.0.0.1:{port}")).unwrap();
        let metrics = Arc::new(Metrics::new());
        let store = RedisStore::new(&url, metrics, LeaseTimes::default()).unwrap();
        let running = redis.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                running.state.send_modify(|state| state.connections += 1);
                let number = running.state.borrow().connections;
                tokio::spawn(running.clone().serve(stream, number, answer));
            }
        });
        (redis, store)
    }

    async fn serve(self, stream: TcpStream, number: usize, answer: &'static str) {
        let mut stream = BufReader::new(stream);
        while let Ok(command) = read_command(&mut stream).await {
            let is_hello = command[0].eq_ignore_ascii_case("client");
            self.state.send_modify(|state| state.commands.push(command));
            if number <= self.state.borrow().silent {
                continue;
            }
            let answer = if is_hello { "+OK\r\n" } else { answer };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    fn connections(&self) -> usize {
        self.state.borrow().connections
    }
}

/// Reads an array of bulk strings, as clients send commands.
async fn read_command(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<String>> {
    async fn number(stream: &mut BufReader<TcpStream>) -> std::io::Result<usize> {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let number = line.get(1..).and_then(|line| line.trim().parse().ok());
        number.ok_or(std::io::ErrorKind::UnexpectedEof.into())
    }
    let mut words = Vec::new();
    for _ in 0..number(stream).await? {
        let mut word = vec![0; number(stream).await? + 2];
        stream.read_exact(&mut word).await?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8(word).unwrap());
    }
    Ok(words)
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_not_answered_is_the_last_one_of_its_connection() {
    let (redis, store) = FakeRedis::start("+OK\r\n").await;
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(redis.connections(), 1);
    redis.state.send_modify(|state| state.silent = 1);
    let began = Instant::now();
    assert_eq!(store.ping().await, Err(StoreError::TooSlow));
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(redis.connections(), 2);
}

#[tokio::test]
async fn no_more_of_a_value_is_asked_for_than_authseal_stores() {
    for (answer, expected) in [
        ("$5\r\nvalue\r\n", Some("value")),
        ("$0\r\n\r\n", Some("")),
        ("$-1\r\n", None),
    ] {
        let (redis, store) = FakeRedis::start(answer).await;
        let value = store.get(&Name::new("test", b"name")).await.unwrap();
        assert_eq!(value.as_ref().map(Secret::expose), expected);
        let command = redis.state.borrow().commands.last().unwrap().clone();
        assert_eq!(command[0], "EVALSHA");
        assert_eq!(command.last().unwrap(), "65536");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_watches_the_connection_to_redis() {
    let (redis, store) = FakeRedis::start("+OK\r\n").await;
    assert_eq!(store.ping().await, Ok(()));
    watched(|| kept_alive(redis.port)).await;
}
