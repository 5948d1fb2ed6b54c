import type { Scenario } from "../../schemas.ts";
import { badRelease } from "./bad-release.ts";
import { controlPlaneLoss, databaseLoss } from "./data.ts";
import { hubLoss } from "./hub.ts";
import { instanceLoss, redisLoss } from "./instance.ts";
import { nodeLoss } from "./node.ts";
import { regionLoss } from "./region.ts";
import type { ScenarioWork } from "./scenario.ts";

/** How each scenario is carried out. */
export const scenarioWorks: Record<Scenario, ScenarioWork> = {
  instance: instanceLoss,
  node: nodeLoss,
  redis: redisLoss,
  database: databaseLoss,
  region: regionLoss,
  hub: hubLoss,
  "bad-release": badRelease,
  "control-plane": controlPlaneLoss,
};
