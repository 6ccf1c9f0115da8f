/// <reference path="../pb_data/types.d.ts" />
migrate((app) => {
  const signedIn = "@request.auth.id != ''";

  const settings = app.settings();
  settings.meta.appName = "Customers";
  // Turn off the request log, as for the other peers.
  settings.logs.maxDays = 0;
  app.save(settings);

  const users = app.findCollectionByNameOrId("users");
  users.listRule = signedIn;
  users.viewRule = signedIn;
  app.save(users);

  const countries = new Collection({
    type: "base",
    name: "countries",
    listRule: signedIn,
    viewRule: signedIn,
    fields: [{ type: "text", name: "name", required: true }],
  });
  app.save(countries);

  const customers = new Collection({
    type: "base",
    name: "customers",
    listRule: signedIn,
    viewRule: signedIn,
    fields: [
      { type: "number", name: "tenant", required: true, onlyInt: true },
      { type: "text", name: "first_name", required: true },
      { type: "text", name: "last_name" },
      { type: "text", name: "phone_number" },
      { type: "email", name: "email" },
      { type: "date", name: "date_of_birth" },
      { type: "select", name: "gender", values: ["male", "female", "other"] },
      { type: "relation", name: "country", collectionId: countries.id },
      { type: "text", name: "identity_number" },
      { type: "text", name: "job" },
      { type: "text", name: "address" },
      { type: "number", name: "default_channel_id", onlyInt: true },
      { type: "url", name: "avatar_url" },
      { type: "relation", name: "user", collectionId: users.id },
      { type: "autodate", name: "created_at", onCreate: true },
      { type: "autodate", name: "updated_at", onCreate: true, onUpdate: true },
      { type: "date", name: "deleted_at" },
    ],
    // With the last column, the total is counted from the index only.
    indexes: ["CREATE INDEX idx_customers_created ON customers (tenant, created_at DESC, id DESC, deleted_at)"],
  });
  app.save(customers);

  for (const [name, email] of [["_superusers", "root@example.com"], ["users", "benchmark@example.com"]]) {
    const record = new Record(app.findCollectionByNameOrId(name));
    record.set("email", email);
    record.set("password", $os.getenv("POCKETBASE_PASSWORD"));
    record.set("verified", true);
    app.save(record);
  }
});
