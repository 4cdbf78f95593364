//! What a person sees who opens something priced in a browser.

use crate::counter::Counter;
use crate::skills::address;
use crate::wire::{Reply, get};
use agent_core::price::Price;
use agent_core::skill::{About, Outcome, Skill, SkillContext};
use agent_server::Agent;
use agent_tests::e2e::Shop;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const HOSTILE: &str = "</h1><script>alert(1)</script><img src=x onerror=alert(2)>\"'\u{202e}";

struct Hostile;

impl Skill for Hostile {
    type Input = String;
    type Output = String;

    fn about(&self) -> About {
        About::new("<id>/../x", HOSTILE).name(HOSTILE)
    }

    fn price(&self) -> Price {
        Price::per_task("0.25 USDC")
    }

    async fn run(&self, text: String, _: &mut SkillContext) -> Outcome<String> {
        Ok(text.into())
    }
}

fn assert_harmless(page: &Reply) {
    let html = page.text();
    for bad in [
        "<script",
        "<img",
        "onerror=alert(2)>",
        "\u{202e}",
        "javascript:",
    ] {
        assert!(!html.contains(bad), "{bad}: {html}");
    }
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe-inline") && !policy.contains("script-src"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_skill_in_a_browser_is_a_page() {
    let shop = Shop::closed().await;
    let agent = Agent::named("shop")
        .config(shop.config.clone())
        .sell(Hostile);
    let agent = Box::pin(agent.start()).await.unwrap();
    let to = agent.url().socket_addrs(|| None).unwrap()[0];
    let path = "/skills/%3Cid%3E%2F..%2Fx";
    let page = get(path).with("accept", BROWSER).to(to).await;
    assert_eq!(page.status, 200);
    assert_harmless(&page);
    assert!(page.text().contains("0.25 USDC") && page.text().contains("&lt;script&gt;"));
    assert!(
        page.text().contains("/skills/%3Cid%3E%2F..%2Fx"),
        "{}",
        page.text()
    );
    // For programs the same is JSON, in which it is text.
    let about = get(path).to(to).await;
    assert_eq!(about.header("content-type"), "application/json");
    let json = about.json();
    assert_eq!(
        (&json["name"], &json["price"]["text"]),
        (&HOSTILE.into(), &"0.25 USDC".into())
    );
    assert_eq!(json["price"]["amount"], "250000");
    // Whoever knows x402 and not which method a skill takes learns the terms like this.
    assert_eq!(about.status, 402);
    about.assert_private();
    let required = about.object("payment-required");
    assert_eq!(required["accepts"][0]["scheme"], "z402");
    assert_eq!(required["resource"]["url"], json["url"]);
    assert_eq!(
        (&json["x402Version"], &json["accepts"]),
        (&1.into(), &serde_json::json!([]))
    );
    assert_eq!(json["inputSchema"]["type"], "string");
    let unknown = get("/skills/%3Cscript%3E")
        .with("accept", BROWSER)
        .to(to)
        .await;
    assert_eq!(
        (unknown.status, unknown.header("content-type").as_str()),
        (404, "application/json")
    );
    Box::pin(agent.stop()).await;
}

#[tokio::test]
async fn a_priced_route_in_a_browser_is_a_page_with_the_terms_beside_it() {
    let counter = Counter::open().await;
    let page = get("/a/%3Cscript%3E")
        .with("accept", BROWSER)
        .to(counter.address)
        .await;
    assert_eq!(page.status, 402);
    assert_harmless(&page);
    page.assert_private();
    assert!(page.text().contains("0.001 USDC"));
    assert!(
        page.text()
            .contains("&lt;b&gt;Reports&lt;/b&gt; &quot;for&quot; everybody")
    );
    assert_eq!(
        page.object("payment-required")["accepts"][0]["amount"],
        "1000"
    );
}

#[tokio::test]
async fn a_free_skill_says_so() {
    let shop = Shop::open().await;
    let to = address(&shop);
    let page = get("/skills/free").with("accept", BROWSER).to(to).await;
    assert!(
        page.text().contains("<p class=\"price\">free</p>"),
        "{}",
        page.text()
    );
    let about = get("/skills/free").to(to).await.json();
    assert!(about["price"].is_null() && about["accepts"].is_null());
}
