// What the report draws with: kinds of series, their coordinates, tooltips, SVG.
import * as echarts from "echarts/core";
import { CustomChart, LineChart, ParallelChart, ScatterChart } from "echarts/charts";
import { GridComponent, ParallelComponent, TooltipComponent } from "echarts/components";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
  CustomChart, LineChart, ParallelChart, ScatterChart,
  GridComponent, ParallelComponent, TooltipComponent,
  SVGRenderer,
]);

export const init = echarts.init;
