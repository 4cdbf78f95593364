//! Floods of frames over HTTP/2, whose windows and tables are made for that.

use crate::crowd::Crowded;
use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Line, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, ask, frame, literal, request, setting,
};
use agent_server::limits::{ANSWERS_KIB_MAX, HTTP2_STREAMS_MAX};

const MEGABYTE: usize = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_want_an_answer_are_not_taken_from_those_who_read_none() {
    let crowd = Crowded::open().await;
    for words in [
        frame(PING, 0, 0, &[7; 8]),
        frame(SETTINGS, 0, 0, &setting(4, 65_535)),
    ] {
        let mut line = Line::deaf(crowd.address(), &[]).await;
        let said = line.repeat(&words, 64 * MEGABYTE).await;
        assert!(said < 64 * MEGABYTE, "all of it was taken");
        crowd.still_answers().await;
    }
    crowd.assert_within(100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_do_not_end_are_cut_off() {
    let crowd = Crowded::open().await;
    let mut line = Line::open(crowd.address(), &[]).await;
    assert!(
        line.say(&frame(HEADERS, END_STREAM, 1, &request(true, "/health")))
            .await
    );
    let mut more = vec![0x00];
    literal(&mut more, b"x-more");
    literal(&mut more, &[b'x'; 8_000]);
    let said = line
        .repeat(&frame(CONTINUATION, 0, 1, &more), 16 * MEGABYTE)
        .await;
    assert!(said < 16 * MEGABYTE, "all of it was taken");

    // Empty ones never reach a bound of bytes.
    let mut line = Line::open(crowd.address(), &[]).await;
    assert!(
        line.say(&frame(HEADERS, END_STREAM, 1, &request(true, "/health")))
            .await
    );
    let said = line
        .repeat(&frame(CONTINUATION, 0, 1, &[]), 16 * MEGABYTE)
        .await;
    assert!(said < 16 * MEGABYTE, "all of it was taken");
    crowd.still_answers().await;
    crowd.assert_within(100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_unfolds_to_megabytes_is_refused() {
    let crowd = Crowded::open().await;
    let mut line = Line::open(crowd.address(), &[]).await;
    // One header goes into the table, and is then named thousands of times.
    let mut block = request(true, "/health");
    block.push(0x40);
    literal(&mut block, b"x-bomb");
    literal(&mut block, &[b'x'; 3_900]);
    block.resize(16_000, 0xbe);
    assert!(
        line.say(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block))
            .await
    );
    let answer = line.next_of(&[HEADERS, RST_STREAM, GOAWAY]).await.unwrap();
    // `:status 431` is written out; an answer of 200 would be one byte of the static table.
    assert!(
        answer.kind != HEADERS
            || answer.payload.windows(3).any(|three| three == b"431")
            || answer.payload.first() != Some(&0x88),
        "{answer:?}"
    );
    crowd.still_answers().await;
    crowd.assert_within(60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_are_reset_at_once_end_the_connection_or_cost_little() {
    let crowd = Crowded::open().await;
    let mut line = Line::open(crowd.address(), &[]).await;
    let id = crowd.begun("hold").await;
    let path = format!("/rest/tasks/{id}:subscribe");
    let mut taken = 0;
    for batch in 0..200_u32 {
        let mut words = Vec::new();
        for number in 0..100 {
            let stream = (batch * 100 + number) * 2 + 1;
            words.extend(ask(stream, false, &path));
            words.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        }
        if !line.say(&words).await {
            break;
        }
        taken += 100;
    }
    let end = line.next_of(&[GOAWAY]).await;
    println!("{taken} resets taken");
    if let Some(end) = end {
        assert_eq!(end.code(), 11, "ENHANCE_YOUR_CALM");
    }
    crowd.still_answers().await;
    crowd.assert_within(100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_than_a_connection_may_have_are_refused_one_by_one() {
    let crowd = Crowded::open().await;
    let mut line = Line::open(crowd.address(), &[]).await;
    let id = crowd.begun("hold").await;
    let path = format!("/rest/tasks/{id}:subscribe");
    let more = 20;
    for number in 0..HTTP2_STREAMS_MAX + more {
        assert!(line.say(&ask(number * 2 + 1, false, &path)).await);
    }
    for _ in 0..more {
        let refused = line.next_of(&[RST_STREAM]).await.unwrap();
        assert_eq!(refused.code(), 7, "REFUSED_STREAM");
        assert!(refused.stream > HTTP2_STREAMS_MAX * 2);
    }
    crowd.still_answers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_a_window_are_bounded_together() {
    const CONNECTIONS: usize = 2;
    let crowd = Crowded::open().await;
    let id = crowd.large(3_000).await;
    let path = format!("/rest/tasks/{id}");
    let mut lines = Vec::new();
    let mut begun = 0;
    for _ in 0..CONNECTIONS {
        // No byte of an answer may be sent at first, and then one.
        let mut line = Line::open(crowd.address(), &setting(4, 0)).await;
        for number in 0..HTTP2_STREAMS_MAX {
            let stream = number * 2 + 1;
            let mut words = ask(stream, true, &path);
            words.extend(frame(WINDOW_UPDATE, 0, stream, &1_u32.to_be_bytes()));
            assert!(line.say(&words).await);
        }
        for _ in 0..HTTP2_STREAMS_MAX {
            let answer = line.next_of(&[HEADERS]).await.unwrap();
            // So HPACK writes a status of 200; that of a refusal is spelt out.
            begun += usize::from(answer.payload.first() == Some(&0x88));
        }
        lines.push(line);
    }
    // Each holds what is left of three megabytes, which are a little more than so many KiB.
    assert!(begun > 0 && begun * 2_900 < ANSWERS_KIB_MAX, "{begun}");
    crowd.still_answers().await;
    crowd.assert_within(600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_of_nothing_add_up_to_nothing() {
    let crowd = Crowded::open().await;
    let mut line = Line::open(crowd.address(), &[]).await;
    assert!(
        line.say(&frame(HEADERS, END_HEADERS, 1, &request(false, "/a2a")))
            .await
    );
    line.repeat(&frame(DATA, 0, 1, &[]), 2 * MEGABYTE).await;
    crowd.still_answers().await;
    crowd.assert_within(100);
}
