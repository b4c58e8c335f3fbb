"use strict";

// The live page: the newest of what happens at the top, a bounded number of lines.
(() => {
	const live = document.querySelector("[data-live]");
	if (!live) return;
	const most = 500;
	const body = live.querySelector("tbody"), state = live.querySelector("[data-state]");
	const pause = live.querySelector("[data-pause]"), find = live.querySelector("[data-find]");
	let paused = false, waiting = [], left = 0;

	const what = r => r.event === "call" ? `${r.method} ${r.api || r.path}` :
		[r.routing_key, r.topic && `queue ${r.topic}`, r.id, r.user_agent].filter(Boolean).join(" · ");
	const result = r => [r.status, r.code, r.reason, r.took_ms !== undefined && `${r.took_ms} ms`,
		r.queues !== undefined && `→ ${r.queues}`, r.attempt > 1 && `#${r.attempt}`, r.bytes && `${r.bytes} B`].filter(Boolean).join(" ");

	function cell(row, text, name) {
		const td = row.insertCell();
		if (name) td.className = name;
		td.textContent = text;
		return td;
	}

	function line(r) {
		const row = document.createElement("tr");
		if (r.event === "missed") {
			row.className = "more";
			cell(row, live.dataset.more.replace("{n}", r.missed)).colSpan = 5;
			return row;
		}
		row.className = r.failed ? "new failed" : "new";
		cell(row, new Date(r.time).toLocaleTimeString([], {hour12: false, fractionalSecondDigits: 3}), "time");
		cell(row, r.event);
		cell(row, r.client_id || r.remote_addr || "", "mono");
		const td = cell(row, "", "mono");
		if (r.kept && r.request_id) {
			const a = td.appendChild(document.createElement("a"));
			a.href = `${live.dataset.calls}/${encodeURIComponent(r.request_id)}`;
			a.textContent = what(r);
		} else {
			td.textContent = what(r);
		}
		cell(row, result(r));
		return row;
	}

	const hide = row => { row.hidden = find.value !== "" && !row.textContent.toLowerCase().includes(find.value.toLowerCase()); };

	// What came is shown together, some times a second.
	function show() {
		if (paused || waiting.length === 0) return;
		body.querySelector(".empty")?.remove();
		const rows = waiting.map(line);
		rows.forEach(hide);
		body.prepend(...rows.reverse());
		waiting = [];
		while (body.rows.length > most) body.rows[body.rows.length - 1].remove();
	}

	function came(r) {
		if (r.event === "begin") return;
		if (waiting.length >= most) { waiting.shift(); left++; }
		waiting.push(r);
	}

	function listen() {
		const events = new EventSource(live.dataset.live);
		events.onopen = () => { state.textContent = live.dataset.connected; };
		events.onerror = () => {
			state.textContent = live.dataset.lost;
			if (events.readyState === EventSource.CLOSED) refused();
		};
		events.onmessage = e => came(JSON.parse(e.data));
	}

	// A browser gives up on a stream that is answered with an error, also with that of a proxy
	// while the platform starts anew. What the platform refuses it refuses for good.
	async function refused() {
		const stop = new AbortController();
		const answer = await fetch(live.dataset.live, {headers: {Accept: "application/json", "X-Poll": "1"}, signal: stop.signal}).catch(() => null);
		stop.abort();
		if (!answer || answer.ok || answer.status === 429 || answer.status >= 500) {
			setTimeout(listen, 3000);
			return;
		}
		state.textContent = answer.status === 401 || answer.status === 403 ? live.dataset.over : live.dataset.refused;
		live.querySelector("[data-again]").hidden = false;
	}

	listen();
	setInterval(show, 250);

	pause.addEventListener("click", () => {
		paused = !paused;
		pause.setAttribute("aria-pressed", String(paused));
		pause.textContent = paused ? pause.dataset.resume : pause.dataset.pause;
		if (!paused && left > 0) { waiting.unshift({event: "missed", missed: left}); left = 0; }
		show();
	});
	find.addEventListener("input", () => { for (const row of body.rows) hide(row); });
})();

// Buttons that copy the text of an element.
for (const button of document.querySelectorAll("[data-copy]")) {
	if (!navigator.clipboard) break;
	button.hidden = false;
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
		button.textContent = button.dataset.done;
	});
}

// What a page asks for by itself does not take away what is read just now.
for (const name of ["htmx:before:request", "htmx:before:swap"]) {
	document.addEventListener(name, e => {
		if (e.detail?.ctx?.request?.headers?.["X-Poll"] && e.target.querySelector?.("details[open], :focus-visible")) e.preventDefault();
	});
}

// A page that cannot go on says so, until it can.
const stale = document.querySelector("[data-stale]");
if (stale) {
	document.addEventListener("htmx:after:request", e => { stale.textContent = e.detail.ctx.response.status < 400 ? "" : stale.dataset.stale; });
	document.addEventListener("htmx:error", () => { stale.textContent = stale.dataset.stale; });
}
