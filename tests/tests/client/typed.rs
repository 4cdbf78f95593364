//! A skill called as a function, whatever becomes of it.

use crate::shop::{Ask, Said, Shop, WIRES};
use agent_client::call::{Called, RemoteAgent};

fn ask(text: &str) -> Ask {
    let text = text.to_owned();
    Ask { text }
}

async fn call(client: &RemoteAgent, text: &str) -> Called<Said> {
    client.call("play", &ask(text)).await.unwrap()
}

#[tokio::test]
async fn each_end_of_a_call_has_its_name() {
    let shop = Shop::open().await;
    for wire in WIRES {
        let client = shop.client(wire).await;
        let Called::Done { output, .. } = call(&client, "hello").await else {
            panic!("{wire}");
        };
        assert_eq!(output.text, "hello");
        let Called::Failed(failed) = call(&client, "fail").await else {
            panic!("{wire}");
        };
        assert!(failed.text.as_received().contains("it does not work"));
        let Called::Rejected(rejected) = call(&client, "reject").await else {
            panic!("{wire}");
        };
        assert!(rejected.text.as_received().contains("it will not"));
        assert!(
            matches!(call(&client, "message").await, Called::Message(_)),
            "{wire}"
        );
    }
}

#[tokio::test]
async fn a_question_is_answered_and_the_call_goes_on() {
    let shop = Shop::open().await;
    for wire in WIRES {
        let client = shop.client(wire).await;
        let Called::NeedsInput(waiting) = call(&client, "ask").await else {
            panic!("{wire}");
        };
        assert!(waiting.text.as_received().contains("which?"));
        let done: Called<Said> = client.call_on(&waiting, "red").await.unwrap();
        let Called::Done { output, task } = done else {
            panic!("{wire} {done:?}");
        };
        assert_eq!(
            (output.text.as_str(), task.id),
            ("it is red", waiting.task.id)
        );

        let Called::NeedsAuth(waiting) = call(&client, "allow").await else {
            panic!("{wire}");
        };
        let done: Called<Said> = client.call_on(&waiting, "sesame").await.unwrap();
        assert!(matches!(done, Called::Done { output, .. } if output.text == "sesame"));
    }
}

#[tokio::test]
async fn what_does_not_fit_is_an_error_that_says_so() {
    let shop = Shop::open().await;
    for wire in WIRES {
        let client = shop.client(wire).await;
        let none = client
            .call::<_, Said>("dance", &ask("x"))
            .await
            .unwrap_err();
        assert!(
            none.is_unsent() && none.to_string().contains("dance"),
            "{none}"
        );
        let other = client
            .call::<_, Vec<u8>>("play", &ask("x"))
            .await
            .unwrap_err();
        assert_eq!(other.code(), "call.malformed_answer", "{other}");
    }
}
