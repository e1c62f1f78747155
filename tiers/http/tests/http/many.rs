//! HTTP/2: many requests on one connection, and clients that take its liberties.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use faramesh_http::{MAX_BODY_BYTES, MAX_FIELDS, MAX_HEAD_BYTES, MAX_STREAMS};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::secure::Pki;
use crate::world::{BOT, POLICY, WAIT, World, bearer};

type Client = SendRequest<Full<Bytes>>;

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(WAIT, future).await.unwrap() })
}

async fn stream(pki: &Pki, world: &World, client: Option<&str>, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut config = pki.config(client);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let socket = TcpStream::connect(world.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

/// A client of HTTP/2; its connection runs until it is dropped.
async fn client(pki: &Pki, world: &World, certificate: Option<&str>) -> Client {
    let stream = stream(pki, world, certificate, &[b"h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

fn request(method: &str, path: &str, token: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let builder = Request::builder().method(method).uri(format!("https://localhost{path}"));
    let builder = if token.is_empty() { builder } else { builder.header("authorization", bearer(token)) };
    builder.header("content-type", "application/json").body(Full::new(body.into())).unwrap()
}

async fn asked(client: &mut Client, request: Request<Full<Bytes>>) -> Result<(u16, String), hyper::Error> {
    client.ready().await?;
    let response = client.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

fn call(amount: u32) -> String {
    format!(r#"{{"tool":"refund","args":{{"amount":{amount}}}}}"#)
}

fn world(pki: &Pki) -> World {
    pki.server();
    World::with(POLICY, Some(pki.files(true, true)))
}

#[test]
fn both_versions_answer_alike() {
    let pki = Pki::new();
    let world = world(&pki);
    pki.client("named", "spiffe://example.org/named");
    run(async {
        let mut client = client(&pki, &world, None).await;
        for (method, path, token, body, expected, code) in [
            ("POST", "/v1/evaluate", BOT, call(1), 200, "PERMIT"),
            ("POST", "/v1/evaluate", BOT, call(1_000), 202, "POLICY_DEFER"),
            ("POST", "/v1/evaluate", BOT, r#"{"tool":"payout"}"#.to_owned(), 403, "POLICY_DENY"),
            ("POST", "/v1/evaluate", "", call(1), 401, "IDENTITY_UNVERIFIED"),
            ("POST", "/v1/evaluate", "wrong", call(1), 401, "IDENTITY_UNVERIFIED"),
            ("POST", "/v1/evaluate", BOT, "{".to_owned(), 400, "CALL_INVALID"),
            ("GET", "/v1/evaluate", BOT, String::new(), 405, "CALL_INVALID"),
            ("OPTIONS", "/v1/evaluate", BOT, String::new(), 405, "CALL_INVALID"),
            ("GET", "/healthz", "", String::new(), 200, "alive"),
        ] {
            let got = asked(&mut client, request(method, path, token, body)).await.unwrap();
            assert_eq!(got.0, expected, "{method} {path}: {}", got.1);
            assert!(got.1.contains(code), "{method} {path}: {}", got.1);
        }
        // A certificate is who it is in either version, and nobody else.
        let mut named = self::client(&pki, &world, Some("named")).await;
        let got =
            asked(&mut named, request("POST", "/v1/evaluate", "", r#"{"tool":"search"}"#)).await.unwrap();
        assert_eq!(got.0, 200, "{}", got.1);
        assert_eq!(asked(&mut named, request("POST", "/v1/evaluate", "", call(1))).await.unwrap().0, 403);
        // A client that can only the older one gets that.
        for protocols in [&[&b"http/1.1"[..]][..], &[]] {
            let stream = stream(&pki, &world, None, protocols).await;
            assert_ne!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        }
    });
    assert_eq!(world.counts.take_strangers().unwrap().requests, 2);
}

#[test]
fn one_connection_asks_more_than_it_may_at_once() {
    let pki = Pki::new();
    let world = world(&pki);
    run(async {
        let client = client(&pki, &world, None).await;
        let token =
            asked(&mut client.clone(), request("POST", "/v1/evaluate", BOT, call(900))).await.unwrap().1;
        let token = token.split(r#""defer_token":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
        // Half of what it may ask at once waits for a person, and keeps nothing else waiting.
        let waiting: Vec<_> = (0..MAX_STREAMS / 2)
            .map(|_| {
                let (mut client, path) = (client.clone(), format!("/v1/approvals/{token}?wait=20"));
                tokio::spawn(async move { asked(&mut client, request("GET", &path, BOT, "")).await.unwrap() })
            })
            .collect();
        let calls: Vec<_> = (0..MAX_STREAMS * 4)
            .map(|amount| {
                let mut client = client.clone();
                tokio::spawn(async move {
                    asked(&mut client, request("POST", "/v1/evaluate", BOT, call(amount))).await.unwrap().0
                })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), 200);
        }
        world.answer(&token, true);
        for wait in waiting {
            let got = wait.await.unwrap();
            assert!(got.0 == 200 && got.1.contains("approved"), "{got:?}");
        }
    });
}

#[test]
fn heads_and_bodies_have_the_same_bounds() {
    let pki = Pki::new();
    let world = world(&pki);
    run(async {
        let mut client = client(&pki, &world, None).await;
        let large =
            format!(r#"{{"tool":"refund","args":{{"amount":1,"x":"{}"}}}}"#, "a".repeat((1 << 20) - 100));
        assert_eq!(asked(&mut client, request("POST", "/v1/evaluate", BOT, large)).await.unwrap().0, 200);
        let larger = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(asked(&mut client, request("POST", "/v1/evaluate", BOT, larger)).await.unwrap().0, 413);
        let mut fields = request("POST", "/v1/evaluate", BOT, call(1));
        for number in 0..MAX_FIELDS {
            let name = hyper::header::HeaderName::try_from(format!("x-{number}")).unwrap();
            fields.headers_mut().insert(name, hyper::header::HeaderValue::from_static("a"));
        }
        assert_eq!(asked(&mut client, fields).await.unwrap().0, 431);
        let mut long = request("POST", "/v1/evaluate", BOT, call(1));
        let value = hyper::header::HeaderValue::try_from("a".repeat(MAX_HEAD_BYTES)).unwrap();
        long.headers_mut().insert("x-long", value);
        // Either the other side says so, or this one, that was told of the bound, does not send it.
        let got = asked(&mut client, long).await;
        assert!(got.as_ref().map_or(true, |(status, _)| *status == 431), "{got:?}");
        assert_eq!(
            asked(&mut self::client(&pki, &world, None).await, request("POST", "/v1/evaluate", BOT, call(1)))
                .await
                .unwrap()
                .0,
            200
        );
    });
}

#[test]
fn requests_that_are_taken_back_keep_nobody_out() {
    let pki = Pki::new();
    let world = world(&pki);
    run(async {
        let mut rapid = client(&pki, &world, None).await;
        let mut other = client(&pki, &world, None).await;
        let mut sent = 0;
        for _ in 0..2_000 {
            if rapid.ready().await.is_err() {
                break;
            }
            // Dropped at once, which resets the stream.
            let taken_back = tokio::time::timeout(
                Duration::ZERO,
                rapid.send_request(request("POST", "/v1/evaluate", BOT, call(1))),
            );
            drop(taken_back.await);
            sent += 1;
        }
        assert!(sent > 0);
        for _ in 0..20 {
            let got = asked(&mut other, request("POST", "/v1/evaluate", BOT, call(1))).await.unwrap();
            assert_eq!(got.0, 200, "{}", got.1);
        }
    });
    assert_eq!(world.gate.lifecycle(), faramesh_gate::Lifecycle::Ready);
}

#[test]
fn rubbish_after_the_handshake_ends_its_connection_only() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let pki = Pki::new();
    let world = world(&pki);
    run(async {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        // A head that never ends, in frames that continue it.
        let endless: Vec<u8> = std::iter::once(vec![0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82])
            .chain((0..20_000).map(|_| vec![0, 0, 4, 9, 0, 0, 0, 0, 1, 0x00, 0x01, b'a', 0x00]))
            .flatten()
            .collect();
        for rubbish in [
            b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            [&preface[..], &[0xff; 4_000]].concat(),
            [&preface[..], &settings, &[0, 0, 5, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5]].concat(),
            [&preface[..], &settings, &endless].concat(),
        ] {
            let mut stream = stream(&pki, &world, None, &[b"h2"]).await;
            let _ = stream.write_all(&rubbish).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
        }
        let mut client = client(&pki, &world, None).await;
        assert_eq!(asked(&mut client, request("POST", "/v1/evaluate", BOT, call(1))).await.unwrap().0, 200);
    });
}

#[test]
fn what_is_in_flight_is_answered_before_a_connection_closes() {
    let pki = Pki::new();
    let world = world(&pki);
    run(async {
        let mut client = client(&pki, &world, None).await;
        let token = asked(&mut client, request("POST", "/v1/evaluate", BOT, call(900))).await.unwrap().1;
        let token = token.split(r#""defer_token":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
        let path = format!("/v1/approvals/{token}?wait=20");
        let mut waiting = client.clone();
        let waiting =
            tokio::spawn(async move { asked(&mut waiting, request("GET", &path, BOT, "")).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.stopper.stop();
        let got = waiting.await.unwrap();
        assert!(got.0 == 200 && got.1.contains("pending"), "{got:?}");
    });
}
