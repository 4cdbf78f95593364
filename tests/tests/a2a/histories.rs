//! All bindings give equal answers to equal requests, whatever came before: one history of requests
//! is made of several agents, of each over another binding or version, and each answer is the same
//! but for the names that the agents chose. `AGENT_TEST_CASES` says how many histories.

use crate::house::{House, message};
use crate::push::open_to_hooks;
use agent_client::call::{Binding, CallError, CallOptions, EventStream, RemoteAgent};
use agent_client::egress::{Egress, EgressPolicy};
use agent_core::a2a::v03::{Dialect, Spoken};
use agent_core::a2a::{
    A2aError, FieldViolation, Operation, SendMessageResponse, StreamResponse, Task,
    TaskPushNotificationConfig, Version, decode,
};
use agent_core::clock::{Clock, ManualClock};
use agent_tests::fuzz::Dice;
use agent_tests::repeats;
use futures_util::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

const NOW: u64 = 1_800_000_000;
const STEPS: usize = 40;

const WIRES: [(Binding, Version); 5] = [
    (Binding::JsonRpc, Version::V1_0),
    (Binding::HttpJson, Version::V1_0),
    (Binding::Grpc, Version::V1_0),
    (Binding::JsonRpc, Version::V0_3),
    (Binding::HttpJson, Version::V0_3),
];

/// One agent, and how it is called.
struct Side {
    wire: (Binding, Version),
    house: House,
    clock: Arc<ManualClock>,
    client: RemoteAgent,
    /// For what the older version cannot say.
    modern: RemoteAgent,
    /// What the agent calls its tasks and their contexts, in the order in which they began.
    tasks: Vec<(String, String)>,
    /// Where the last page ended.
    page: String,
}

/// A request. `task:1`, `context:1` and `page` stand for what an agent calls its second task, its
/// context, and the end of the last page.
#[derive(Debug, Clone)]
struct Step {
    operation: Operation,
    params: Value,
}

type Answer = Result<Value, A2aError>;

impl Side {
    async fn open(wire: (Binding, Version)) -> Self {
        let clock = Arc::new(ManualClock::at_unix_secs(NOW));
        let shared: Arc<dyn Clock> = clock.clone();
        let configure = |config: &mut agent_server::config::AgentConfig| {
            open_to_hooks(config);
            config.list_all_tasks = true;
        };
        let house = House::open_as(configure, |agent| agent.clock(shared)).await;
        let egress = Egress::new(EgressPolicy::strict().allow_loopback()).unwrap();
        let connect = async |(binding, version)| {
            let options = CallOptions::default().over(binding).in_version(version);
            let options = options.without_resuming();
            let url = house.agent.url().as_str();
            let client = RemoteAgent::connect_with(&egress, url, options).await;
            client.unwrap()
        };
        let (client, modern) = (connect(wire).await, connect(WIRES[0]).await);
        let (tasks, page) = (Vec::new(), String::new());
        Self {
            wire,
            house,
            clock,
            client,
            modern,
            tasks,
            page,
        }
    }

    /// The dialect of the older version, if that is spoken.
    const fn dialect(&self) -> Option<Dialect> {
        match self.wire {
            (_, Version::V1_0) => None,
            (Binding::JsonRpc, _) => Some(Dialect::JsonRpc),
            _ => Some(Dialect::Rest),
        }
    }

    async fn take(&mut self, step: &Step) -> Answer {
        self.clock.advance_millis(1_000);
        let mut params = step
            .params
            .to_string()
            .replace("\"page\"", &json!(self.page).to_string());
        for (number, (task, context)) in self.tasks.iter().enumerate() {
            params = params.replace(&format!("\"task:{number}\""), &json!(task).to_string());
            params = params.replace(
                &format!("\"context:{number}\""),
                &json!(context).to_string(),
            );
        }
        let client = match self.dialect() {
            Some(dialect) if !sayable(step, dialect) => &self.modern,
            _ => &self.client,
        };
        let said = perform(client, step.operation, params.as_bytes()).await;
        let mut answer = said.map_err(|error| match error {
            CallError::Agent { reason, .. } => *reason,
            other => panic!("{:?}: {params}: {other:?}", self.wire),
        });
        if let Ok(answer) = &mut answer {
            self.note(answer);
            if step.params["configuration"]["returnImmediately"] == true {
                // It may or may not have begun, until it holds.
                let id = self.tasks.last().unwrap().0.clone();
                while self.house.call("GetTask", json!({ "id": id })).await["status"]["state"]
                    != "TASK_STATE_WORKING"
                {
                    tokio::task::yield_now().await;
                }
                *answer = json!("begun");
            }
        }
        answer
    }

    /// Remembers the names of what began.
    fn note(&mut self, answer: &mut Value) {
        for task in [answer.pointer("/task"), answer.pointer("/0/task")]
            .into_iter()
            .flatten()
        {
            let text = |name: &str| task[name].as_str().unwrap().to_owned();
            let names = (text("id"), text("contextId"));
            if !self.tasks.contains(&names) {
                self.tasks.push(names);
            }
        }
        if let Some(token) = answer.get_mut("nextPageToken") {
            self.page = token.take().as_str().unwrap().to_owned();
            *token = "page".into();
        }
    }

    /// The answer without the names that the agent chose.
    fn plain<T: Serialize>(&self, value: &T) -> Value {
        let mut text = serde_json::to_string(value).unwrap();
        for (number, (task, context)) in self.tasks.iter().enumerate() {
            text = text.replace(task, &format!("task:{number}"));
            text = text.replace(context, &format!("context:{number}"));
        }
        let mut value = serde_json::from_str(&text).unwrap();
        unnamed(&mut value);
        value
    }
}

/// What is named at random is not compared.
fn unnamed(value: &mut Value) {
    match value {
        Value::String(text) => {
            let random = text.len() == 36 && text.matches('-').count() == 4;
            if random {
                *text = "?".to_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(unnamed),
        Value::Object(members) => members.values_mut().for_each(unnamed),
        _ => {}
    }
}

/// Whether 0.3 can ask it, and gives the same answer: see the table of `agent_core::a2a::v03`.
fn sayable(step: &Step, dialect: Dialect) -> bool {
    let params = &step.params;
    let length = params.get("historyLength");
    let length = length.or_else(|| params.pointer("/configuration/historyLength"));
    match step.operation {
        // An ended task is shown, and not refused. Pages are not known.
        Operation::ListTasks
        | Operation::SubscribeToTask
        | Operation::ListTaskPushNotificationConfigs => false,
        // Over HTTP, 0 stands for all.
        _ => dialect == Dialect::JsonRpc || length != Some(&json!(0)),
    }
}

async fn perform(
    client: &RemoteAgent,
    operation: Operation,
    params: &[u8],
) -> Result<Value, CallError> {
    fn read<T: DeserializeOwned>(params: &[u8]) -> T {
        decode(params).unwrap()
    }
    fn json<T: Serialize>(answer: T) -> Value {
        serde_json::to_value(answer).unwrap()
    }
    Ok(match operation {
        Operation::SendMessage => json(client.send(read(params)).await?),
        Operation::SendStreamingMessage => {
            json(events(client.send_streaming(read(params)).await?, usize::MAX).await?)
        }
        Operation::GetTask => json(client.get_task(read(params)).await?),
        Operation::ListTasks => json(client.list_tasks(read(params)).await?),
        Operation::CancelTask => json(client.cancel_task(read(params)).await?),
        // What comes after the first event comes after the next request.
        Operation::SubscribeToTask => json(events(client.subscribe(read(params)).await?, 1).await?),
        Operation::CreateTaskPushNotificationConfig => {
            json(client.create_push_config(read(params)).await?)
        }
        Operation::GetTaskPushNotificationConfig => {
            json(client.get_push_config(read(params)).await?)
        }
        Operation::ListTaskPushNotificationConfigs => {
            json(client.list_push_configs(read(params)).await?)
        }
        Operation::DeleteTaskPushNotificationConfig => {
            json(client.delete_push_config(read(params)).await?)
        }
        other => unreachable!("{other:?} is no part of a history"),
    })
}

async fn events(mut stream: EventStream, most: usize) -> Result<Vec<StreamResponse>, CallError> {
    let mut all = Vec::new();
    while all.len() < most {
        match stream.next().await? {
            Some(event) => all.push(event),
            None => break,
        }
    }
    Ok(all)
}

/// What is left of an answer after it went through 0.3.
fn through(operation: Operation, answer: &Value, dialect: Dialect) -> Value {
    fn of<T: Spoken + Serialize + DeserializeOwned>(answer: &Value, dialect: Dialect) -> Value {
        let object: T = serde_json::from_value(answer.clone()).unwrap();
        let old = object.to_v03(dialect).unwrap();
        let object = T::from_v03(old.get().as_bytes(), dialect).unwrap();
        serde_json::to_value(object).unwrap()
    }
    match operation {
        _ if answer == "begun" => answer.clone(),
        Operation::SendMessage => of::<SendMessageResponse>(answer, dialect),
        Operation::SendStreamingMessage => {
            let events = answer.as_array().unwrap().iter();
            events
                .map(|event| of::<StreamResponse>(event, dialect))
                .collect()
        }
        Operation::GetTask | Operation::CancelTask => of::<Task>(answer, dialect),
        Operation::CreateTaskPushNotificationConfig | Operation::GetTaskPushNotificationConfig => {
            of::<TaskPushNotificationConfig>(answer, dialect)
        }
        _ => answer.clone(),
    }
}

/// A request that may make sense: about one of so many tasks, or none that there is.
fn step(dice: &mut Dice, tasks: usize) -> Step {
    let number = dice.below(tasks + 1);
    let (task, context) = match number < tasks {
        true => (format!("task:{number}"), format!("context:{number}")),
        false => ("none".to_owned(), "nowhere".to_owned()),
    };
    let lengths = [
        json!(null),
        json!(null),
        json!(null),
        json!(0),
        json!(1),
        json!(1),
        json!(3),
        json!(-1),
    ];
    let length = dice.one(&lengths).clone();
    let hook = (*dice.one(&["a", "b"])).to_owned();
    let hook = || json!({ "taskId": task, "id": hook });
    let (operation, params) = match dice.below(if tasks < 3 { 8 } else { 16 }) {
        0..4 => {
            let mut params = sent(dice, &task, &context);
            params["configuration"] = json!({ "historyLength": length });
            if dice.below(8) == 0 {
                params["configuration"]["taskPushNotificationConfig"] =
                    json!({ "id": "c", "url": "http://127.0.0.1:9/" });
            }
            (Operation::SendMessage, params)
        }
        4 => {
            let params = json!({
                "message": message("hold"), "configuration": { "returnImmediately": true }
            });
            (Operation::SendMessage, params)
        }
        5..8 => (Operation::SendStreamingMessage, sent(dice, &task, &context)),
        8 => (
            Operation::GetTask,
            json!({ "id": task, "historyLength": length }),
        ),
        9 | 10 => {
            let params = json!({
                "pageSize": dice.one(&[json!(null), json!(1), json!(2), json!(0), json!(101)]),
                "pageToken": dice.one(&["", "page", "page", "00", "no"]),
                "contextId": dice.one(&["", "", context.as_str()]),
                "status": dice.one(&["TASK_STATE_UNSPECIFIED", "TASK_STATE_COMPLETED", "TASK_STATE_WORKING"]),
                "includeArtifacts": dice.one(&[json!(null), json!(true), json!(false)]),
                "statusTimestampAfter": dice.one(&[json!(null), json!(null), json!("2027-01-15T08:00:10.500Z")]),
                "historyLength": length,
            });
            (Operation::ListTasks, params)
        }
        11 => (Operation::CancelTask, json!({ "id": task })),
        12 => (Operation::SubscribeToTask, json!({ "id": task })),
        13 => {
            let mut params = hook();
            params["url"] =
                (*dice.one(&["http://127.0.0.1:9/", "ftp://a.example/", "a", ""])).into();
            params["token"] = "t".into();
            params["authentication"] = match dice.below(2) {
                0 => json!(null),
                _ => json!({ "scheme": "Bearer", "credentials": "c" }),
            };
            (Operation::CreateTaskPushNotificationConfig, params)
        }
        14 => (Operation::GetTaskPushNotificationConfig, hook()),
        _ => match dice.below(2) {
            0 => (Operation::DeleteTaskPushNotificationConfig, hook()),
            _ => {
                let params = json!({ "taskId": task, "pageSize": dice.below(3) });
                (Operation::ListTaskPushNotificationConfigs, params)
            }
        },
    };
    Step { operation, params }
}

/// A message: to a new task mostly, and mostly a good one.
fn sent(dice: &mut Dice, task: &str, context: &str) -> Value {
    let text = dice.one(&["x", "é😀\n\"", "ask", "fail", "reject"]);
    let mut message = message(text);
    match dice.below(20) {
        0..3 => message["taskId"] = task.into(),
        3 => message["contextId"] = context.into(),
        4 => {
            message["taskId"] = task.into();
            message["contextId"] = "elsewhere".into();
        }
        5 => message["messageId"] = "".into(),
        6 => message["role"] = "ROLE_AGENT".into(),
        7 => message["parts"] = json!([]),
        8 => message["parts"] = json!([{ "data": { "text": "y", "n": 1.5 } }]),
        9 => {
            message["parts"] = json!([{ "raw": "AAEC", "filename": "f", "mediaType": "image/png" }])
        }
        _ => {}
    }
    json!({ "message": message })
}

/// What an error says: over 0.3 in other words about other fields, but it is the same error.
fn told(error: &A2aError, old: bool) -> (i64, String, Vec<FieldViolation>, Value) {
    let code = error.code().json_rpc();
    match old {
        true => (code, String::new(), Vec::new(), Value::Null),
        false => {
            let metadata = serde_json::to_value(error.metadata()).unwrap();
            (
                code,
                error.message().to_owned(),
                error.violations().to_vec(),
                metadata,
            )
        }
    }
}

#[tokio::test]
async fn equal_histories_have_equal_answers() {
    let (mut good, mut bad) = (0, 0);
    for seed in 0..repeats("AGENT_TEST_CASES", 3) {
        let mut dice = Dice::new(seed.into());
        let mut sides = join_all(WIRES.map(Side::open)).await;
        for number in 0..STEPS {
            let step = step(&mut dice, sides[0].tasks.len());
            let answers = join_all(sides.iter_mut().map(|side| side.take(&step))).await;
            let first = &answers[0];
            match first {
                Ok(_) => good += 1,
                Err(_) => bad += 1,
            }
            for (side, answer) in sides.iter().zip(&answers).skip(1) {
                let about = || format!("history {seed}, step {number}: {:?}: {step:?}", side.wire);
                let dialect = side.dialect().filter(|dialect| sayable(&step, *dialect));
                match (first, answer) {
                    (Ok(first), Ok(answer)) => {
                        let first = match dialect {
                            Some(dialect) => through(step.operation, first, dialect),
                            None => first.clone(),
                        };
                        assert_eq!(side.plain(answer), sides[0].plain(&first), "{}", about());
                    }
                    (Err(first), Err(answer)) => {
                        let old = dialect.is_some();
                        let (first, answer) = (told(first, old), told(answer, old));
                        assert_eq!(side.plain(&answer), sides[0].plain(&first), "{}", about());
                    }
                    _ => panic!("{}: {first:?}, {answer:?}", about()),
                }
            }
        }
    }
    assert!(
        good > STEPS && bad > STEPS / 2,
        "{good} were answered and {bad} refused"
    );
}
