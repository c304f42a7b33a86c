//! Chromium by way of the WebDriver protocol.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

use crate::skipped::skipped;

/// Names of the driver and of the browser, the first that exists.
const DRIVERS: [&str; 2] = ["chromedriver", "chromium-chromedriver"];
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser of its own for one test; both processes end with it.
pub(crate) struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
}

impl Browser {
    /// Starts a browser, or notes that `test` is skipped where there is none.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let (Some(driver), Some(browser)) = (installed(&DRIVERS), installed(&BROWSERS)) else {
            let required = env::var("REGIMEN_REQUIRE_BROWSER").is_ok_and(|value| value == "1");
            assert!(!required, "{test}: no Chromium with its driver");
            skipped(test, "no Chromium with its driver");
            return None;
        };
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = port(&mut driver);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(120)));
        let agent = Agent::new_with_config(config.build());
        let session = format!("http://127.0.0.1:{port}/session");
        let mut started = Self { driver, agent, session };
        let answer = started.call("POST", "", &capabilities(browser)).unwrap();
        started.session = format!("{}/{}", started.session, answer["sessionId"].as_str().unwrap());
        Some(started)
    }

    /// One command of the protocol: the value of the answer, or the name of the error.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.session));
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let text = response.body_mut().with_config().limit(1 << 28).read_to_string().unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
            None => Ok(answer["value"].clone()),
        }
    }

    pub(crate) fn open(&self, page: &Path) {
        self.call("POST", "/url", &json!({"url": format!("file://{}", page.display())})).unwrap();
    }

    /// What a function body returns in the page.
    pub(crate) fn evaluate(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({"script": script, "args": []})).unwrap()
    }

    /// A real click on the first element that a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        let id = self.find(selector);
        self.call("POST", &format!("/element/{id}/click"), &json!({})).unwrap();
    }

    /// Shows the page on `screen` or in `print`, to somebody who prefers a colour scheme.
    pub(crate) fn show(&self, media: &str, scheme: &str) {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        let media = json!({"media": media, "features": [feature]});
        self.devtools("Emulation.setEmulatedMedia", &media);
        self.settle();
    }

    /// Waits until the page has been drawn anew: a chart that its box resized moves its labels one
    /// frame later.
    fn settle(&self) {
        let frame = "new Promise(done => requestAnimationFrame(done))";
        self.evaluate(&format!("return {frame}.then(() => {frame}).then(() => {frame})"));
    }

    /// A picture of the whole page, in base64.
    pub(crate) fn picture(&self) -> String {
        let whole = json!({"captureBeyondViewport": true, "format": "png"});
        self.devtools("Page.captureScreenshot", &whole)["data"].as_str().unwrap().to_owned()
    }

    /// The page as PDF, in base64.
    pub(crate) fn print(&self) -> String {
        self.call("POST", "/print", &json!({})).unwrap().as_str().unwrap().to_owned()
    }

    /// What the browser wrote to its console since the last call.
    pub(crate) fn console(&self) -> Vec<Value> {
        let log = self.call("POST", "/se/log", &json!({"type": "browser"})).unwrap();
        log.as_array().unwrap().clone()
    }

    /// A window of so many pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Moves the pointer to a place of the window.
    pub(crate) fn hover(&self, place: &Value) {
        let at = |side: usize| place[side].as_f64().unwrap().round();
        let to = |x: f64| json!({"type": "pointerMove", "duration": 20, "x": x, "y": at(1)});
        // A chart answers a pointer that moves.
        let moves = json!([to(at(0) - 3.0), to(at(0))]);
        let pointer = json!({"type": "pointer", "id": "mouse", "actions": moves});
        self.call("POST", "/actions", &json!({"actions": [pointer]})).unwrap();
    }

    /// Writes text into the first field that a selector finds.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let id = self.find(selector);
        self.call("POST", &format!("/element/{id}/value"), &json!({"text": text})).unwrap();
    }

    /// Chooses the option of a value.
    pub(crate) fn choose(&self, selector: &str, value: &str) {
        let script = format!(
            "const s = document.querySelector({}); s.value = {}; \
             s.dispatchEvent(new Event('input', {{bubbles: true}}))",
            json!(selector),
            json!(value)
        );
        self.evaluate(&script);
    }

    /// Presses a key.
    pub(crate) fn press(&self, key: &str) {
        let both = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let keys = json!({"type": "key", "id": "keyboard", "actions": both});
        self.call("POST", "/actions", &json!({"actions": [keys]})).unwrap();
    }

    /// The text that the first element of a selector shows.
    pub(crate) fn text_of(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({}).innerText", json!(selector));
        self.evaluate(&script).as_str().unwrap_or_default().to_owned()
    }

    fn find(&self, selector: &str) -> String {
        let by = json!({"using": "css selector", "value": selector});
        let found = self.call("POST", "/element", &by).unwrap();
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.call("POST", "/goog/cdp/execute", &body).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser; a failed test must not wait for either.
        let _ = self.call("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn capabilities(browser: &str) -> Value {
    // The sandbox needs rights that containers lack; the pages are our own.
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,1000",
    ];
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome",
        "unhandledPromptBehavior": "ignore",
        "goog:chromeOptions": {
            "binary": fs::canonicalize(browser).unwrap_or_else(|_| browser.into()),
            "args": arguments,
        },
        "goog:loggingPrefs": {"browser": "ALL"},
    }}})
}

/// The port that the driver says it listens on.
fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| {
            line.rsplit_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
        })
        .expect("the driver starts");
    // A driver that finds nobody at the other end of its output would end.
    std::thread::spawn(move || lines.for_each(drop));
    port
}

/// The path of the first program of `names`.
fn installed(names: &[&str]) -> Option<&'static str> {
    let path = env::var_os("PATH")?;
    let found = names.iter().find_map(|name| {
        env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
    })?;
    Some(found.to_str()?.to_owned().leak())
}
