import boto3

bedrock = boto3.client("bedrock-agent")

FUNCTIONS = [
    {
        "name": "get_claim",
        "description": "Looks a claim up",
        "parameters": {"claim_id": {"description": "number", "required": True, "type": "string"}},
    },
    {
        "name": "create_claim",
        "description": "Opens a claim",
        "parameters": {
            "policy_id": {"description": "number", "required": True, "type": "string"},
            "amount": {"description": "in euros", "required": False, "type": "number"},
        },
        "requireConfirmation": "ENABLED",
    },
]


def create(agent_id: str, function_arn: str) -> None:
    bedrock.create_agent_action_group(
        agentId=agent_id,
        agentVersion="DRAFT",
        actionGroupName="ClaimsActionGroup",
        actionGroupExecutor={"lambda": function_arn},
        functionSchema={"functions": FUNCTIONS},
    )
