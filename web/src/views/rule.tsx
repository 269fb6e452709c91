import { View } from "../parts/frame";
export function RuleView(_: any) { return <View title="rule">…</View>; }
