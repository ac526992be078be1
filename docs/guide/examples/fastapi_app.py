# pip install fastapi uvicorn; APP_SECRET=… VERIFY_TOKEN=… uvicorn fastapi_app:app --port 3000
import hashlib, hmac, json, os
from fastapi import FastAPI, HTTPException, Request, Response

app = FastAPI()

@app.get("/webhook")
def prove(request: Request) -> Response:
    if request.query_params.get("hub.verify_token") != os.environ["VERIFY_TOKEN"]:
        raise HTTPException(403)
    return Response(request.query_params["hub.challenge"])

@app.post("/webhook")
async def take(request: Request) -> Response:
    body = await request.body()  # the raw bytes are what is signed
    wanted = "sha256=" + hmac.new(os.environ["APP_SECRET"].encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, request.headers.get("x-hub-signature-256", "")):
        raise HTTPException(401)
    for entry in json.loads(body)["entry"]:
        for change in entry["changes"]:
            print(change["field"], flush=True)
    return Response()
