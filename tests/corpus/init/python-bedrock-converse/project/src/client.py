import boto3

session = boto3.Session(profile_name="bank")
runtime = session.client(service_name="bedrock-runtime", region_name="us-east-1")
