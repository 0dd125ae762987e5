// Tasks for a worker, one after another. Newer ones replace those that wait, and end a worker that is
// long at what nobody wants any more.
const PATIENCE = 120;  // ms that a search may go on unwanted: a new worker costs some, too

const makeRunner = (start, failed) => {
  let worker = null, now = null, waiting = [], timer = null;
  const next = () => {
    if (now || !waiting.length) return;
    now = { ...waiting.shift(), begun: performance.now() };
    worker.postMessage(now.task);
  };
  const begin = () => {
    worker = start();
    worker.onmessage = ({ data }) => {
      const done = now;
      clearTimeout(timer);
      now = null;
      if (data.error) failed(data.error);
      else if (!done.unwanted) done.then(data.result);
      next();
    };
    worker.onerror = (event) => failed(event.message || "the worker does not start");
  };
  begin();
  return {
    // forget all tasks for these
    replace: (tasks) => {
      waiting = tasks;
      if (!now) return next();
      now.unwanted = true;
      clearTimeout(timer);
      timer = setTimeout(() => {
        worker.terminate();
        now = null;
        begin();
        next();
      }, Math.max(0, now.begun + PATIENCE - performance.now()));
    },
    // before the others, in place of those of the same kind
    first: (kind, tasks) => {
      waiting = [...tasks.map((task) => ({ ...task, kind })), ...waiting.filter((task) => task.kind !== kind)];
      next();
    },
  };
};
