//! Signals while the process waits for a provider that does not answer.

use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use crate::support::{Installation, Program, eventually, free_port};

/// Gives the providers a token endpoint that never answers.
async fn silence_provider(installation: &Installation) -> TcpListener {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", silent.local_addr().unwrap());
    installation.have_token_url(&url);
    silent
}

#[tokio::test]
async fn the_second_signal_ends_it_at_once_although_no_log_line_can_be_written() {
    let (installation, _) = Installation::with_key().await;
    let silent = silence_provider(&installation).await;
    let authid = installation.log_in("single-use");
    let mut environment = installation.environment();
    environment.retain(|(name, _)| *name != "AUTHSEAL_LISTEN");
    let address = format!("127.0.0.1:{}", free_port());
    environment.push(("AUTHSEAL_LISTEN", &address));
    let script = "exec \"$AUTHSEAL\" serve 2>/dev/full";
    let program = Program::of_script(script, &environment);
    eventually("it serves", async || {
        TcpStream::connect(&address).await.ok()
    })
    .await;
    let url = format!("http://{address}/refresh");
    let refresh =
        tokio::spawn(async move { crate::support::get(&url, &[("X-AuthID", &authid)]).await });
    let (mut call, _) = silent.accept().await.unwrap();
    call.read_exact(&mut [0; 16]).await.unwrap();

    program.terminate().await;
    // A second signal beside one that was not taken yet would be the same one.
    eventually("it takes no more connections", async || {
        TcpStream::connect(&address).await.err()
    })
    .await;
    program.terminate().await;
    assert_eq!(refresh.await.unwrap().status, 502);
    let (status, _) = program.end().await;
    assert_eq!(status.code(), Some(1));
}
