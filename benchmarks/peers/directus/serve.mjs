// Start one Directus process per worker, all on the same port, as PM2's cluster mode does.
import cluster from "node:cluster";

const [script, workers] = process.argv.slice(2);
cluster.setupPrimary({ exec: script, args: ["start"] });
cluster.on("exit", (worker, code) => {
  console.error(`Worker ${worker.process.pid} exited with status ${code}.`);
  process.exit(1);
});
for (let worker = 0; worker < Number(workers); worker += 1) cluster.fork();
